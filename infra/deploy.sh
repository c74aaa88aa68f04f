#!/bin/sh
# Deploys the stacks in the order in which they need each other. Again and again gives the same; nothing is ever deleted.
# Needs the AWS command line, its credentials, and EMAIL=who@example.org where somebody should get the notices.
set -eu
cd "$(dirname "$0")"
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-us-east-1}}
environment=${ENVIRONMENT:-production}
command -v aws >/dev/null || { echo "infra: the AWS command line is missing; see https://aws.amazon.com/cli/" >&2; exit 2; }
account=$(aws sts get-caller-identity --query Account --output text) || { echo "infra: sign in first" >&2; exit 2; }
echo "account $account, region $region"

deploy() {  # deploy <stack> <template> [parameters]
  stack=$1 template=$2
  shift 2
  echo "stack asusu-$stack"
  aws cloudformation deploy --region "$region" --stack-name "asusu-$stack" --template-file "$template" \
    --capabilities CAPABILITY_NAMED_IAM --no-fail-on-empty-changeset --tags project=asusu "$@"
}

deploy platform platform.yaml
deploy job-roles job-roles.yaml
deploy people-roles people-roles.yaml

packaged=$(mktemp -d)
trap 'rm -r "$packaged"' EXIT
cp -rp operations.yaml functions "$packaged"
find "$packaged" -name __pycache__ -prune -exec rm -r {} +  # the zip, and so its name, is of the sources alone
aws cloudformation package --region "$region" --template-file "$packaged/operations.yaml" \
  --s3-bucket "asusu-$account-$region" --s3-prefix functions --output-template-file "$packaged/packaged.yaml" >/dev/null
set -- "Environment=$environment"
[ -z "${EMAIL:-}" ] || set -- "$@" "Email=$EMAIL"
deploy operations "$packaged/packaged.yaml" --parameter-overrides "$@"

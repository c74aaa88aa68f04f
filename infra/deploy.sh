#!/bin/sh
# Deploys the stacks in the order in which they need each other. Again and again gives the same; nothing is ever deleted.
# Needs the AWS command line, its credentials, and EMAIL=who@example.org where somebody should get the notices.
# MFA=false lets people approve without a second factor that IAM sees. What is not given stays as it was deployed last.
# ENVIRONMENT is a name of pipeline/environments; region and the longest training job are what its file says.
set -eu
cd "$(dirname "$0")"
environments=../pipeline/environments
environment=${ENVIRONMENT:-production}

refuse() {  # refuse <what is wrong> <what to do>
  echo "infra: $1; $2" >&2
  exit 2
}

said() {  # said <field>: a value at the top level of the environment's file, empty where there is none
  sed -n "s/^$1: *[\"']\{0,1\}\([^\"' #]*\).*/\1/p" "$environments/$environment.yaml"
}

case $environment in
  local) refuse "the environment local has no account" "give ENV=production" ;;
  *[!a-z0-9-]* | [!a-z]* | "") refuse "ENV=$environment is not a name, as --env in a notice must be" \
    "put the file into pipeline/environments, and give its name without .yaml" ;;
esac
[ -f "$environments/$environment.yaml" ] || refuse "there is no environment $environment" "see pipeline/environments"
region=$(said region)
hours=$(said max_runtime_hours)
hours=${hours:-120}  # the default of pipeline/settings.py
case $region in "" | *[!a-z0-9-]*) refuse "$environment.yaml names no region" "correct region in it" ;; esac
case $hours in 0* | *[!0-9]*) refuse "$environment.yaml says max_runtime_hours: $hours" "give it in whole hours" ;; esac

case ${MFA:-true} in true | false) ;; *) refuse "MFA=$MFA is neither true nor false" "see ApproverMfa in docs/roles.md" ;; esac

command -v aws >/dev/null || refuse "the AWS command line is missing" "see https://aws.amazon.com/cli/"
account=$(aws sts get-caller-identity --region "$region" --query Account --output text) || { echo "infra: sign in first" >&2; exit 2; }
echo "environment $environment, account $account, region $region"

deploy() {  # deploy <stack> <template> [parameters]
  stack=$1 template=$2
  shift 2
  echo "stack asusu-$stack"
  aws cloudformation deploy --region "$region" --stack-name "asusu-$stack" --template-file "$template" \
    --capabilities CAPABILITY_NAMED_IAM --no-fail-on-empty-changeset --tags project=asusu "$@"
}

# Names of roles are the account's, not a region's: found now, before a key and a bucket that stay are made here.
if aws iam get-role --region "$region" --role-name asusu-pipeline >/dev/null 2>&1 &&
  ! aws cloudformation describe-stacks --region "$region" --stack-name asusu-job-roles >/dev/null 2>&1; then
  refuse "account $account has the role asusu-pipeline, and no stack asusu-job-roles in $region" \
    "deploy in the region of that stack, or in an account for each region; docs/roles.md says why"
fi

deploy platform platform.yaml
deploy job-roles job-roles.yaml --parameter-overrides "MaxTrainingSeconds=$((hours * 3600))"
set --
[ -z "${MFA:-}" ] || set -- --parameter-overrides "ApproverMfa=$MFA"
deploy people-roles people-roles.yaml "$@"

packaged=$(mktemp -d)
trap 'rm -r "$packaged"' EXIT
cp -rp operations.yaml functions "$packaged"
find "$packaged" -name __pycache__ -prune -exec rm -r {} +  # the zip, and so its name, is of the sources alone
# Without a key the command asks for AES256, which the bucket's policy denies.
aws cloudformation package --region "$region" --template-file "$packaged/operations.yaml" --kms-key-id alias/asusu \
  --s3-bucket "asusu-$account-$region" --s3-prefix functions --output-template-file "$packaged/packaged.yaml" >/dev/null
set -- "Environment=$environment"
[ -z "${EMAIL:-}" ] || set -- "$@" "Email=$EMAIL"
deploy operations "$packaged/packaged.yaml" --parameter-overrides "$@"

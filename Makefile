# Asụsụ. Every target is one line that calls the command line or a tool; `make` alone explains them.
PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
PIP     := $(BIN)/pip install -qq --disable-pip-version-check --constraint requirements.lock
WORKDIR ?= work
CORPUS  ?=
PARAMS  ?=
OUT     ?= prepared
PREPARE ?=
ROWS    ?= 1000000
ROUNDS  ?= 3
WORKERS ?= 2
FAULTS  ?= 60
SEED    ?= 1
ENV     ?= production
EMAIL   ?=
MFA     ?=
UPSERT  ?=
ROLLBACK ?=
STORE   := CONTAINERS_STORAGE_CONF=$(CURDIR)/build/containers/storage.conf CONTAINERS_CONF=$(CURDIR)/build/containers/containers.conf

.DEFAULT_GOAL := help
.PHONY: coverage practice images images-cpu push-images images-ci images-lint images-lock help run prepare resume test test-slow bench-prepare bench-growth bench-train bench-generate bench-gpu drill aws plan upsert-pipeline rollback infra infra-lint compile graph clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.for-run ## The whole pipeline on this machine; CORPUS=file.tsv or CORPUS=c.en,c.ig, PARAMS="Name=Value ..."
	@$(BIN)/asusu run --local --workdir $(WORKDIR) $(addprefix --corpus ,$(CORPUS)) $(addprefix --param ,$(PARAMS))

prepare: $(VENV)/.for-run ## Only prepare a corpus: CORPUS=file.tsv OUT=folder, PREPARE="--languages en,sw ..."
	@$(BIN)/asusu prepare $(addprefix --corpus ,$(CORPUS)) --out $(OUT) $(PREPARE)

resume: $(VENV)/.for-run ## Continue the newest unfinished run
	@$(BIN)/asusu run --local --workdir $(WORKDIR) --resume

test: $(VENV)/.for-test ## Formatting, types and the default tests
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow and not containers"

coverage: $(VENV)/.for-test ## Which lines the default tests reach; nearly twice as slow
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow and not containers" --cov --cov-report=term:skip-covered

test-slow: $(VENV)/.for-test ## The tests that take minutes
	@$(BIN)/pytest -m "slow and not containers"

bench-prepare: $(VENV)/.for-test ## Speed of the preparation beside others; ROWS=1000000 ROUNDS=3, half an hour
	@$(BIN)/python -m tests.benchmarks.prepare --rows $(ROWS) --rounds $(ROUNDS)

bench-growth: $(VENV)/.for-test ## Time and memory of the preparation from 0.1 to 6.1 million pairs, six minutes
	@$(BIN)/python -m tests.benchmarks.prepare --curve

drill: $(VENV)/.for-test ## Break training runs in every way we know and judge what they end with; FAULTS=60 SEED=1, some 125 processes
	@$(BIN)/python -m tests.drill --faults $(FAULTS) --seed $(SEED) --workers $(WORKERS)

bench-train: $(VENV)/.for-test ## Speed of training by batching strategy and lever; ROUNDS=3, twelve minutes
	@$(BIN)/python -m tests.benchmarks.train --rounds $(ROUNDS)

bench-generate: $(VENV)/.for-test ## Speed of the evaluation's translations, in batches and one by one; ROUNDS=3, trains a tiny model first
	@$(BIN)/python -m tests.benchmarks.generate --rounds $(ROUNDS)

bench-gpu: $(VENV)/.for-test ## Memory, speed, resuming and generation of a 7B model on this machine's GPU, half an hour
	@$(BIN)/python -m tests.benchmarks.gpu

aws: $(VENV)/.for-aws ## Add the SageMaker SDK, which compiling for an account needs

images: $(VENV)/.for-run ## Build the step images for an account, with docker buildx or podman (docs/containers.md)
	@$(BIN)/python -m containers.build

images-cpu: $(VENV)/.for-run ## The same with torch for a CPU, for `asusu run --local --runner docker`
	@$(BIN)/python -m containers.build --cpu

push-images: $(VENV)/.for-test ## Push what has changed to ECR and write the digests that compiling reads; ENV=production
	@$(BIN)/python -m containers.push --env $(ENV)

images-ci: $(VENV)/.for-test ## Build CPU images with podman from Debian's packages, and run the whole pipeline inside them
	@$(BIN)/python -m containers.build --ci
	@$(STORE) $(BIN)/pytest -m containers tests/containers

images-lint: $(VENV)/.for-test ## hadolint and our own rules over the Dockerfiles
	@$(BIN)/hadolint containers/*/Dockerfile && $(BIN)/pytest -q tests/containers/test_dockerfiles.py

images-lock: $(VENV)/.for-run ## Resolve the images' libraries again, from pyproject.toml
	@$(PIP) --editable '.[steps,report,images]' && $(BIN)/python -m containers.locks

plan: $(VENV)/.for-aws ## What deploying would change in the account, in words; ENV=production
	@$(BIN)/asusu plan --env $(ENV)

upsert-pipeline: $(VENV)/.for-aws ## Lint, preflight, plan, ask, then create or update the pipeline; never starts a run; ENV=production UPSERT="--yes ..."
	@$(BIN)/asusu upsert --env $(ENV) $(UPSERT)

rollback: $(VENV)/.for-aws ## Return to the definition before; ENV=production ROLLBACK="--yes ..."
	@$(BIN)/asusu rollback --env $(ENV) $(ROLLBACK)

practice: $(VENV)/.for-test ## An account on loopback to practise with: deploy, start, watch, approve; nothing leaves this machine
	@$(BIN)/python -m tests.account $(abspath $(WORKDIR))/practice

infra: ## Deploy key, bucket, roles, registry and notices with the AWS command line; ENV=production EMAIL=you@example.org MFA=true
	@ENVIRONMENT=$(ENV) EMAIL=$(EMAIL) MFA=$(MFA) infra/deploy.sh

infra-lint: $(VENV)/.for-test ## The templates: cfn-lint with warnings fatal, and what the roles and rules mean
	@$(BIN)/cfn-lint infra/*.yaml && $(BIN)/pytest -q -m "not slow" tests/infra

compile: $(VENV)/.for-test ## Compile the local definition again, which the package ships
	@$(BIN)/asusu compile > pipeline/compiled/igbo.local.json.new && mv pipeline/compiled/igbo.local.json.new pipeline/compiled/igbo.local.json

graph: $(VENV)/.for-run ## Draw the DAG
	@$(BIN)/asusu graph

clean: ## Remove the environment and everything local runs made
	rm -rf $(VENV) $(WORKDIR)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Asụsụ needs Python 3.11 to 3.13; try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	@echo "setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.for-run: $(VENV)/bin/python pyproject.toml requirements.lock
	@echo "installing the libraries, a minute or two and 2 GB (more where torch comes with CUDA)"
	@$(BIN)/pip install -qq --disable-pip-version-check torch==2.13.0
	@$(PIP) --editable '.[steps,report]'
	@touch $@

$(VENV)/.for-aws: $(VENV)/.for-run
	@echo "installing the SageMaker SDK, a minute and 1 GB"
	@$(PIP) --editable '.[steps,report,aws]'
	@touch $@

$(VENV)/.for-test: $(VENV)/.for-run
	@echo "installing the SageMaker SDK and the test tools, another minute or two and 1 GB"
	@$(PIP) --editable '.[steps,report,aws,dev]'
	@touch $@

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

.DEFAULT_GOAL := help
.PHONY: help run prepare resume test test-slow bench-prepare bench-growth bench-train bench-gpu drill aws compile graph clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.for-run ## The whole pipeline on this machine; CORPUS=file.tsv or CORPUS=c.en,c.ig, PARAMS="Name=Value ..."
	@$(BIN)/asusu run --local --workdir $(WORKDIR) $(addprefix --corpus ,$(CORPUS)) $(addprefix --param ,$(PARAMS))

prepare: $(VENV)/.for-run ## Only prepare a corpus: CORPUS=file.tsv OUT=folder, PREPARE="--languages en,sw ..."
	@$(BIN)/asusu prepare $(addprefix --corpus ,$(CORPUS)) --out $(OUT) $(PREPARE)

resume: $(VENV)/.for-run ## Continue the newest unfinished run
	@$(BIN)/asusu run --local --workdir $(WORKDIR) --resume

test: $(VENV)/.for-test ## Formatting, types and the default tests, with coverage
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile -m "not slow" --cov --cov-report=term:skip-covered

test-slow: $(VENV)/.for-test ## The tests that take minutes
	@$(BIN)/pytest -m slow

bench-prepare: $(VENV)/.for-test ## Speed of the preparation beside others; ROWS=1000000 ROUNDS=3, half an hour
	@$(BIN)/python -m tests.benchmarks.prepare --rows $(ROWS) --rounds $(ROUNDS)

bench-growth: $(VENV)/.for-test ## Time and memory of the preparation from 0.1 to 6.1 million pairs, six minutes
	@$(BIN)/python -m tests.benchmarks.prepare --curve

drill: $(VENV)/.for-test ## Break training runs in every way we know and judge what they end with; FAULTS=60 SEED=1, some 125 processes
	@$(BIN)/python -m tests.drill --faults $(FAULTS) --seed $(SEED) --workers $(WORKERS)

bench-train: $(VENV)/.for-test ## Speed of training by batching strategy and lever; ROUNDS=3, twelve minutes
	@$(BIN)/python -m tests.benchmarks.train --rounds $(ROUNDS)

bench-gpu: $(VENV)/.for-test ## Memory, speed, resuming and generation of a 7B model on this machine's GPU, half an hour
	@$(BIN)/python -m tests.benchmarks.gpu

aws: $(VENV)/.for-run ## Add the SageMaker SDK, which compiling for an account needs
	@$(PIP) --editable '.[steps,report,aws]'

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

$(VENV)/.for-test: $(VENV)/.for-run
	@echo "installing the SageMaker SDK and the test tools, another minute or two and 1 GB"
	@$(PIP) --editable '.[steps,report,aws,dev]'
	@touch $@

# Everything a newcomer or a pipeline runs. Needs make and Python 3.11 or later, nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# A network that opens TLS has its certificate in the system's store; uv looks there when told.
UV := UV_SYSTEM_CERTS=1 UV_LINK_MODE=copy $(BIN)/uv
WORKERS ?= 2
PYTEST_ARGS ?=
BENCH ?=
NO_TELEMETRY := DO_NOT_TRACK=1 DAGSTER_DISABLE_TELEMETRY=yes DBT_SEND_ANONYMOUS_USAGE_STATS=false \
	GX_ANALYTICS_ENABLED=false RUNTIME__DLTHUB_TELEMETRY=false SODA_CORE_TELEMETRY_ENABLED=false

.PHONY: help setup demo ui test lint format bench docs lock clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv and install the locked packages (PYTHON=... picks the interpreter)
	@:

$(VENV)/bin/python:
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "$(PYTHON) is not here: install Python 3.11 or later, or call make PYTHON=/path/to/python3." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Accord needs Python 3.11 or later; $(PYTHON) is $$("$(PYTHON)" -V 2>&1). Call make PYTHON=/path/to/python3.11." >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { \
		echo "No virtual environment could be made: install the venv module (Debian: apt-get install python3-venv)." >&2; \
		rm -rf $(VENV); exit 1; }

$(BIN)/uv: | $(VENV)/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(STAMP): requirements.lock pyproject.toml | $(BIN)/uv
	@echo "Installing the locked packages into $(VENV) ..."
	@# Compiled once, as pip does: every run of Dagster's is a process that imports these anew.
	@$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.lock \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable . \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
	@echo "Ready: $$($(BIN)/python -V) in $(VENV)."

demo: setup ## Run the whole path once against local vendor servers
	@$(BIN)/accord demo

ui: setup ## Local vendor servers and Dagster's user interface, schedules and sensors on
	@$(BIN)/accord ui

test: setup ## Run every test
	@tests/setup_browser.sh
	@$(NO_TELEMETRY) $(BIN)/pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 15 $(PYTEST_ARGS)

lint: setup ## Ruff, pyright and sqlfluff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/sqlfluff lint --disable-progress-bar --processes 2 dbt_project/models

format: setup ## Let ruff rewrite what it can
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: setup ## Run one benchmark: make bench BENCH=name
	@[ -n "$(BENCH)" ] || { echo "Name one: make bench BENCH=name (they are in benchmarks/)." >&2; exit 1; }
	@$(BIN)/accord bench $(BENCH) --json

docs: setup ## Describe the model, its owners and classes as one page: .accord/docs/index.html
	@$(NO_TELEMETRY) $(BIN)/accord governance docs

lock: $(BIN)/uv ## Resolve requirements.lock anew from pyproject.toml (UPGRADE=--upgrade takes newer versions)
	@$(UV) pip compile pyproject.toml --all-extras --universal --python-version 3.11 --no-annotate \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		--quiet $(UPGRADE) --output-file requirements.lock
	@if grep -nE '://|file:|--(extra-)?index|--find-links|^/' requirements.lock; then \
		echo "requirements.lock names an address or a path; it must hold versions only." >&2; exit 1; fi

clean: ## Remove what runs and builds leave behind; keeps .venv
	@rm -rf .accord .pytest_cache build dist dbt_project/target dbt_project/logs logs
	@find . -path ./$(VENV) -prune -o \( -name __pycache__ -o -name .ruff_cache \) -type d -prune -exec rm -rf {} +

# Needs Python >= 3.11 and make, nothing else: everything goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
UV := $(or $(shell command -v uv 2>/dev/null),$(BIN)/uv)
SYNCED := .venv/.synced

.DEFAULT_GOAL := help
.PHONY: help demo test check fmt faults property throughput devices audit-run million clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(SYNCED) ## See it work on a real Kafka
	@$(BIN)/session-reports demo

test: $(SYNCED) ## All tests but the long ones, on a real Kafka
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered

check: $(SYNCED) ## Linters, types, layering
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(SYNCED) ## Format, and fix what can be fixed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

faults: $(SYNCED) ## 200,000 callbacks, two members, five times kill -9
	$(BIN)/python -m tests.faults.kill_run

property: $(SYNCED) ## The property tests, thoroughly
	HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest tests/property --timeout=3600

throughput: $(SYNCED) ## A first figure: run against the bare consume loop
	$(BIN)/python -m benchmarks.throughput

devices: $(SYNCED) ## A request of 500 devices: missing ones, late ones, compaction
	$(BIN)/python -m tests.scenarios.request_of_500

audit-run: $(SYNCED) ## 100,000 txids, five times kill -9, then `session-reports audit`
	$(BIN)/python -m tests.scenarios.audit_run

million: $(SYNCED) ## A million open txids: memory, and a restart
	$(BIN)/python -m benchmarks.million

clean: ## Remove the environment and all caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

$(SYNCED): pyproject.toml uv.lock Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.x ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(UV) || $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(UV) sync --locked --quiet --python $(BIN)/python
	@touch $@

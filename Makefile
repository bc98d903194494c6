# Needs Python >= 3.11 and make, nothing else: everything goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
SEEDS ?= 2000
ROUNDS ?= 3
WORKLOADS ?= steady
CONTENDERS ?=
UV := $(or $(shell command -v uv 2>/dev/null),$(BIN)/uv)
# An environment that uv made loses it, and pip, with each sync.
GET_UV = test -x $(UV) || { { $(BIN)/python -m pip --version >/dev/null 2>&1 \
    || $(BIN)/python -m ensurepip >/dev/null; } \
    && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; }
SYNCED := .venv/.synced
BENCH_SYNCED := .venv-bench/.synced

.DEFAULT_GOAL := help
.PHONY: help demo picture test check fmt simulate simulate-coverage faults faults-protocols property docs bench bench-all bench-targets bench-stages bench-sweep throughput million soak devices audit-run clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(SYNCED) ## See it work on a real Kafka
	@$(BIN)/session-reports demo

picture: $(SYNCED) ## Draw docs/demo.svg from a real run of the demo
	$(BIN)/python -m tools.picture docs/demo.svg

test: $(SYNCED) ## All tests but the long ones, on a real Kafka
	$(BIN)/python -m pytest -n 3 --dist worksteal --cov --cov-report=term:skip-covered

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

faults-protocols: $(SYNCED) ## 50,000 of each: static members, KIP-848, and both at once
	$(BIN)/python -m tests.faults.kill_run --callbacks 50000 --static
	$(BIN)/python -m tests.faults.kill_run --callbacks 50000 --protocol consumer
	$(BIN)/python -m tests.faults.kill_run --callbacks 50000 --protocol consumer --static

simulate: $(SYNCED) ## Groups of pipelines on a Kafka in memory; SEEDS=2000
	$(BIN)/python -m tests.simulation --seeds $(SEEDS)

simulate-coverage: $(SYNCED) ## How much of the pipeline 300 seeds reach, branch by branch
	COVERAGE_FILE=.coverage.simulation $(BIN)/python -m coverage run --source consumer.pipeline \
	    -m tests.simulation --seeds 300 --jobs 1
	COVERAGE_FILE=.coverage.simulation $(BIN)/python -m coverage report -m --fail-under=90

property: $(SYNCED) ## The property tests, thoroughly
	HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest tests/property --timeout=3600

docs: $(SYNCED) ## Make anew what is generated: the settings file, schemas, examples
	$(BIN)/python -m consumer.settings.template > config/consumer.toml.new
	mv config/consumer.toml.new config/consumer.toml
	$(BIN)/session-reports schema --write docs/schemas
	$(BIN)/python -m tests.docs

bench: $(SYNCED) $(BENCH_SYNCED) ## Throughput beside others; ROUNDS=3 WORKLOADS=steady CONTENDERS=
	$(BIN)/python -m benchmarks --workload $(WORKLOADS) --rounds $(ROUNDS) \
	    $(if $(CONTENDERS),--contenders $(CONTENDERS))
	$(BIN)/python -m tests.docs

bench-all: WORKLOADS = wide,heavy,errors,small-commits
bench-all: bench ## The same on all other workloads

bench-targets: $(SYNCED) ## Restore, memory, latency, scale-out, growth, state log
	$(BIN)/python -m benchmarks.restore
	$(BIN)/python -m benchmarks.latency
	$(BIN)/python -m benchmarks.scale_out
	$(BIN)/python -m benchmarks.growth
	$(BIN)/python -m benchmarks.state_log
	$(BIN)/python -m tests.docs

bench-stages: $(SYNCED) ## Where the daemon's time goes, in ns per callback
	$(BIN)/python -m benchmarks.stages
	$(BIN)/python -m tests.docs

bench-sweep: $(SYNCED) ## The daemon with other settings, one changed at a time; ROUNDS=3
	$(BIN)/python -m benchmarks.sweep --rounds $(ROUNDS)
	$(BIN)/python -m tests.docs

throughput: $(SYNCED) ## Only the bare loop, a tuned one and the daemon: 2 minutes
	$(BIN)/python -m benchmarks --contenders bare,ours,tuned --rounds $(ROUNDS)

million: $(SYNCED) ## A million open txids: memory, and a restart
	$(BIN)/python -m benchmarks.restore

soak: $(SYNCED) ## 20 minutes under load: throughput and memory over time
	$(BIN)/python -m benchmarks.soak
	$(BIN)/python -m tests.docs

devices: $(SYNCED) ## A request of 500 devices: missing ones, late ones, compaction
	$(BIN)/python -m tests.scenarios.request_of_500

audit-run: $(SYNCED) ## 100,000 txids, five times kill -9, then `session-reports audit`
	$(BIN)/python -m tests.scenarios.audit_run

clean: ## Remove the environment and all caches
	rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

$(SYNCED): pyproject.toml uv.lock Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.x ..."; exit 1; }
	@echo "Putting what is needed into .venv (the first time about 80 MB) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(GET_UV)
	@$(UV) sync --locked --quiet --python $(BIN)/python
	@touch $@

# What we are compared with wants an older client than we do.
$(BENCH_SYNCED): pyproject.toml uv.lock $(SYNCED)
	@$(GET_UV)
	@UV_PROJECT_ENVIRONMENT=.venv-bench $(UV) sync --locked --quiet --only-group bench --python $(BIN)/python
	@touch $@

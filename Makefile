# `make help` lists what there is. Everything runs from .venv, which is made on first use.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TOOLS := build/tools
SOURCES := exporter tests $(wildcard benchmarks dashboards)
JOBS ?= 2
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo stack secrets test test-long check services bench docs format lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 12
	@echo "  ARGS=... is passed on by demo, stack, test, test-long and bench; PYTHON=... is what .venv is made with"

demo: $(READY) ## a simulated network being tested; ARGS="--once --json"
	@$(BIN)/livepeer-exporter demo $(ARGS)

stack: $(READY) ## InfluxDB, Prometheus, Alertmanager, exporter, no Docker; ARGS="--config config.yaml"
	@$(BIN)/livepeer-exporter stack $(ARGS)

secrets: ## passwords for docker-compose.yml, where there are none yet
	@config/docker/make-secrets

test: check ## check, then all tests; ARGS="-k words"
	@$(BIN)/pytest -n $(JOBS) --dist worksteal $(ARGS)

test-long: $(READY) ## 50 kills for each store and ten times the power losses; prints the seeds
	@KILLS=$${KILLS:-50} POWER_LOSSES=$${POWER_LOSSES:-400} $(BIN)/pytest -s --timeout 3600 \
	  tests/system/test_kills.py tests/system/test_kills_of_posts.py \
	  tests/services/test_kills_influx.py tests/delivery/post_stats/test_kills.py \
	  tests/power_loss $(ARGS)

check: $(READY) ## formatting, lint, types, import contracts, what is generated
	@$(BIN)/ruff format --check --quiet $(SOURCES) || { echo 'ruff: `make format` mends it' >&2; false; }
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m exporter.settings_reference | diff -u docs/settings.md -
	@$(BIN)/python -m exporter.metrics_reference | diff -u docs/metrics.md -
	@$(BIN)/python -m dashboards.generate --check
	@$(BIN)/python -m dashboards.linting
	@$(BIN)/python -m exporter.alerting.generate --check

services: ## build the servers that tests and `make stack` run (Go >= 1.24, cargo; kept in a cache)
	@tests/services/influxd/build
	@tests/stack/compose/build
	@for name in prometheus promtool prometheus-alertmanager amtool; do \
	  command -v $$name || echo "$$name: not there (Debian: apt install prometheus prometheus-alertmanager)"; done

bench: $(READY) ## run every benchmark, each prints a table
	@set -e; for bench in benchmarks/[a-z]*.py; do \
	  $(BIN)/python -m "benchmarks.$$(basename "$$bench" .py)"; done

docs: $(READY) ## write the generated parts of docs/, dashboards and alerts
	@$(BIN)/python -m exporter.settings_reference docs/settings.md
	@$(BIN)/python -m exporter.metrics_reference docs/metrics.md
	@$(BIN)/python -m dashboards.generate
	@$(BIN)/python -m exporter.alerting.generate

format: $(READY) ## format the code
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

USABLE = $(BIN)/python -c 'import pip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'

# Nothing here writes to standard output, which belongs to the command that is run.
$(READY): requirements-dev.lock pyproject.toml .ci/find-python
	@{ $(USABLE) 2>/dev/null || { \
	     python="$$(PYTHON='$(PYTHON)' .ci/find-python)" && \
	     echo "making $(VENV) with $$python" && "$$python" -m venv --clear $(VENV); } && \
	   echo "installing what requirements-dev.lock names" && \
	   $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
	     --require-hashes --only-binary :all: -r requirements-dev.lock && \
	   $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
	     --no-deps --no-build-isolation --editable . && \
	   touch $@; } 1>&2

lock: $(READY) ## write the locks anew from pyproject.toml; ARGS="--upgrade"
	@$(BIN)/python -m venv $(TOOLS) && $(TOOLS)/bin/python -m pip install --quiet uv
	@$(TOOLS)/bin/uv pip compile $(LOCKING) -o requirements.lock pyproject.toml
	@$(TOOLS)/bin/uv pip compile $(LOCKING) -c requirements.lock --group dev \
	  -o requirements-dev.lock pyproject.toml

LOCKING = --quiet --universal --generate-hashes --only-binary :all: --python-version 3.11 \
  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS)

clean: ## remove .venv, caches and what was built
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache .grimp_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

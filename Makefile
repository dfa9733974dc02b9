# dides: everything a newcomer needs is `make demo` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help setup demo test unit check check-markers check-format check-lint check-types check-imports format soak bench \
	bench-setup screenshots release constraints clean

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Many tests wait for processes, so that more of them than cores keep the cores busy.
WORKERS ?= 3
BENCH_VENV := .venv-bench
BENCH_READY := $(BENCH_VENV)/.ready

# What is compiled once need not be compiled in every test process.
unexport PYTHONDONTWRITEBYTECODE

help:  ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY)  ## make .venv with everything pinned in constraints.txt

$(READY): constraints.txt pyproject.toml contrib/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh contrib/setup.sh
	@touch $(READY)

demo: setup  ## a coordinator, eight agents, a rollout, a bad version, a rollback
	@$(BIN)/dides demo

test: setup  ## every test; brings Debian's Chromium and promtool, or says which tests are skipped without them
	@sh contrib/chromium.sh
	@VENV="$(VENV)" sh contrib/promtool.sh
	@echo "==> running the tests (unit, contract, simulation, integration, acceptance) in $(WORKERS) processes"
	@$(BIN)/pytest --numprocesses=$(WORKERS) --dist=worksteal

unit: setup  ## the unit tests alone, for the time between two edits
	@$(BIN)/pytest --numprocesses=2 --dist=worksteal tests/unit

check: check-markers check-format check-lint check-types check-imports  ## merge markers, format, lint, types, import floors

# Each is also a hook in .pre-commit-config.yaml.
check-markers:
	@echo "==> merge markers" && ! git grep -nE '^(<{7}|>{7}|[|]{7})( |$$)' -- .
check-format: setup
	@echo "==> ruff format" && $(BIN)/ruff format --check src simulator tests bench docs contrib
check-lint: setup
	@echo "==> ruff check" && $(BIN)/ruff check src simulator tests bench docs contrib
check-types: setup
	@echo "==> mypy --strict" && $(BIN)/mypy
check-imports: setup
	@echo "==> import floors" && $(BIN)/lint-imports

format: setup  ## format the code
	@$(BIN)/ruff format src simulator tests bench docs contrib
	@$(BIN)/ruff check --fix src simulator tests bench docs contrib

soak: setup  ## simulated worlds with faults, for as long as you say: make soak ARGS="--minutes 10"
	@$(BIN)/python -m simulator soak $(ARGS)

bench: setup $(BENCH_READY)  ## every benchmark, which takes an hour; one alone: make bench-heartbeats ARGS="--quick"
	@failed=""; for file in bench/bench_*.py; do echo "==> $$file"; \
	    PYTHONPATH=tests $(BIN)/python $$file $(ARGS) || failed="$$failed $$file"; done; \
	    [ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }

bench-setup: $(BENCH_READY)  ## make .venv-bench with what dides is compared to

bench-%: setup $(BENCH_READY)
	@PYTHONPATH=tests $(BIN)/python bench/bench_$*.py $(ARGS)

$(BENCH_READY): bench/requirements.txt
	@echo "==> setting up $(BENCH_VENV)"
	@rm -rf $(BENCH_VENV) && $(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@touch $(BENCH_READY)

screenshots: setup  ## the pictures in docs/pictures, from a scripted fleet in a headless browser
	@PYTHONPATH=tests $(BIN)/python contrib/screenshots.py $(ARGS)

release: setup  ## build the wheel and the sdist into dist/, after a look at the version and CHANGELOG.md
	@$(BIN)/python contrib/release.py

constraints:  ## pin the newest versions that fit pyproject.toml (needs uv)
	@uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --upgrade --extra server --extra postgresql --extra plot --group dev pyproject.toml -o constraints.txt

clean:  ## remove what the other targets made
	@rm -rf $(VENV) $(BENCH_VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist

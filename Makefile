# Everything sets itself up: a machine needs make and Python 3.11-3.13 with venv and pip, and a way to its package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RULES_TESTS := tests/unit/rules tests/scenarios
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)

.PHONY: help demo test soak coverage mutants check check-types check-the-rest browser deploy-tools wheel bench lock clean setup

help:  ## show what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /: /'

setup: $(VENV)/.ready  ## make the local environment

.tools/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info < (3, 14)))' || { echo "Python 3.11-3.13 is needed; set PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --require-hashes -r requirements/tools.txt

$(VENV)/.ready: requirements/dev.txt pyproject.toml $(if $(filter .tools/bin/uv,$(UV)),.tools/bin/uv)
	$(UV) venv --quiet --clear --no-python-downloads --python $(PYTHON) $(VENV)
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements/dev.txt
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## start a small municipality and let the robot prepare 60 applications
	@$(BIN)/python -m robot demo --cases 60 --once

test: coverage  ## run all tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(RULES_TESTS:%=--ignore=%)

coverage: setup  ## run the tests of the rules: every branch of the rules must be reached
	$(BIN)/python -m pytest -n 2 $(RULES_TESTS) --cov --cov-report=term

soak: setup  ## the tests of faults at full size, on both kinds of store, and the simulator for SOAK_S seconds (an hour or two; FAULT_SEED=... for other chance)
	SOAK=1 SOAK_S=$(or $(SOAK_S),600) $(BIN)/python -m pytest -m "soak or not soak" -s tests/faults tests/simulation

mutants: setup  ## change the rules in thousands of places: at least 90 % must make a test fail (most of an hour)
	$(BIN)/python tests/support/mutation.py --processes 2

check: setup  ## style, types, import rules, and that the docs are in step with the code
	$(MAKE) --no-print-directory -j 2 check-types check-the-rest

check-types:
	$(BIN)/mypy

check-the-rest:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYTHONPATH=queue $(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/docs

browser:  ## install Debian's Chromium for the tests of published pages, where apt-get and root are there
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then echo "A browser is there already."; \
	elif [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then echo "Chromium cannot be installed here: that takes apt-get and root." >&2; exit 1; \
	else timeout 300 apt-get update -qq && DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; fi

deploy-tools:  ## install systemd-analyze and promtool for the tests of deploy/, where apt-get and root are there
	@if command -v systemd-analyze >/dev/null && command -v promtool >/dev/null; then echo "The tools are there already."; \
	elif [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then echo "The tools cannot be installed here: that takes apt-get and root." >&2; exit 1; \
	else timeout 300 apt-get update -qq && DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -y -qq --no-install-recommends systemd prometheus >/dev/null; fi

wheel: setup  ## make the wheel, in dist/ (docs/operations.md says how it is installed)
	$(BIN)/python -m hatchling build -t wheel

sbom: setup  ## write what the program is made of, every locked package with its hashes, as CycloneDX to var/sbom.json
	@mkdir -p var
	$(BIN)/python -W ignore::UserWarning -m cyclonedx_py requirements requirements/run.txt --pyproject pyproject.toml --output-reproducible --output-file var/sbom.json

bench: setup .bench-venv/.ready  ## measure: one line of JSON for each figure
	$(BIN)/python -m benchmarks

.bench-venv/.ready: requirements/bench.txt $(if $(filter .tools/bin/uv,$(UV)),.tools/bin/uv)
	$(UV) venv --quiet --clear --no-python-downloads --python $(PYTHON) .bench-venv
	VIRTUAL_ENV=.bench-venv $(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements/bench.txt
	@touch $@

lock: .tools/bin/uv  ## resolve the dependencies anew, with hashes
	printf 'hatchling>=1.27\neditables>=0.5\n' | .tools/bin/uv pip compile - --upgrade --universal --python-version 3.11 --generate-hashes --quiet --no-header -o requirements/build.txt
	.tools/bin/uv pip compile pyproject.toml --upgrade --universal --python-version 3.11 --generate-hashes --quiet --no-header -o requirements/run.txt
	.tools/bin/uv pip compile pyproject.toml --group dev --upgrade --universal --python-version 3.11 --generate-hashes --quiet --no-header -o requirements/dev.txt
	printf 'openfisca-core>=46\nzen-engine>=2.1\npgqueuer>=1.6\nprocrastinate>=3.10\nasyncpg>=0.30\npsycopg[binary]>=3.3\n' | .tools/bin/uv pip compile - --upgrade --universal --python-version 3.11 --generate-hashes --quiet --no-header -o requirements/bench.txt

clean:  ## remove what was made here
	rm -rf $(VENV) .bench-venv .tools var dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

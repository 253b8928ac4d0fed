# Everything a developer runs. Each target sets `.venv` up first, once; PYTHON=python3.12 chooses another interpreter.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

.DEFAULT_GOAL := help
.PHONY: help setup test unit check format docs pictures demo crash fuzz bench lock clean

help: ## what there is to run
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

setup: $(STAMP) ## make .venv from the locked, hashed requirements

$(STAMP): requirements/dev.txt requirements/package-lock.json pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "FlowPilot needs Python 3.11 or newer; say which: make setup PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing $$(grep -c '^[a-z].*==' requirements/dev.txt) packages into $(VENV), which takes a minute or two …"
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/npm ci --prefix requirements --ignore-scripts --no-audit --no-fund --loglevel error
	touch $@

test: $(STAMP) ## run all tests; ARGS="-k claim" narrows them
	$(BIN)/python -m compileall -q src  # The tests start many processes; not every environment lets those keep what they compiled.
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

unit: $(STAMP) ## run the unit tests that ask no PostgreSQL, in a minute; ARGS="-k claim" narrows them
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not postgres" tests/unit $(ARGS)

explore: $(STAMP) ## properties and random walks, with examples that nobody saw before; ARGS="--hypothesis-seed=1"
	$(BIN)/python -m pytest -n auto --dist worksteal -m hypothesis $(ARGS)

check: $(STAMP) ## format, lint, types, import contracts, dependencies, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict src $(wildcard tests) $(wildcard bench) docs/generate
	$(BIN)/lint-imports
	$(BIN)/deptry src
	$(BIN)/codespell
	$(BIN)/node requirements/node_modules/typescript/bin/tsc --project requirements/script.json

format: $(STAMP) ## mend what can be mended: format, import order, simple lints
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP) ## write the generated pages of docs/ anew
	$(BIN)/python -m docs.generate

demo: $(STAMP) ## the main job as a story, on a database of its own; ARGS=--replay replays a log at its end
	$(BIN)/flowpilot demo $(ARGS)

crash: $(STAMP) ## kill -9 the server and the relay a hundred times at random moments; ARGS="--times 10 --seed 1"
	$(BIN)/python -m tests.crash $(ARGS)

fuzz: $(STAMP) ## send the server what its document allows, for long; FUZZ_EXAMPLES=200 FUZZ_SEED=1
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-100} $(BIN)/python -m pytest -n auto --dist worksteal tests/contract/test_schemathesis.py

pictures: $(STAMP) ## every page as a picture, light, dark and on a telephone, into docs/pages; asks for chromium
	$(BIN)/python -m tests.browser.pictures
	$(BIN)/python -m bench.pages

bench: $(STAMP) ## the hot paths against the database's own limit, and what starting costs
	$(BIN)/python -m bench

lock: $(STAMP) ## resolve the requirements anew
	env -u PIP_FIND_LINKS -u UV_FIND_LINKS $(BIN)/uv pip compile $(UV_LOCK) --extra server --output-file requirements/server.txt pyproject.toml
	env -u PIP_FIND_LINKS -u UV_FIND_LINKS $(BIN)/uv pip compile $(UV_LOCK) --extra server --extra testing --group dev --output-file requirements/dev.txt pyproject.toml
	$(BIN)/npm update --prefix requirements --package-lock-only --omit-lockfile-registry-resolved --save --ignore-scripts --no-audit --no-fund

UV_LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

clean: ## remove what was made
	rm -rf $(VENV) requirements/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

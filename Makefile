# `make` alone prints what can be done. Every target that needs the environment sets it up first;
# with nothing changed since the last time, that costs nothing.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
# Two workers is what CI has cores for. A file stays on one worker, so its module fixtures are built once.
WORKERS ?= 2
# What to test, and any other pytest argument: make test ARGS="tests/rules -k budget"
ARGS ?=

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: .venv/.project ## Make .venv with the project and all that the other commands need
	@tools/system-packages

.PHONY: demo
demo: .venv/.project ## Change a phone number end to end over real HTTP, on a scratch database
	@$(BIN)/ostiary demo

.PHONY: dev
dev: .venv/.project ## The service in dev mode on http://127.0.0.1:8000, reloading, with the inbox page
	@$(BIN)/python tools/reload.py $(BIN)/ostiary serve --dev --port 8000 $(ARGS)

.PHONY: test
test: setup ## All tests, PostgreSQL included
	@$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile $(ARGS)

.PHONY: soak
soak: setup ## Half an hour of fuzzing, then the same tests with counts raised (hours)
	@[ -n "$(ARGS)" ] || tools/fuzz 600
	@OSTIARY_SOAK=1 $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --timeout 7200 $(ARGS)

.PHONY: check
check: .venv/.project ## Format, lint, types, import contracts, house tests
	@tools/check

.PHONY: generate
generate: .venv/.project ## Write the SDK's methods and docs/reference anew
	@$(BIN)/python -m ostiary.client.generate
	@$(BIN)/python -m tools.reference

.PHONY: fmt
fmt: .venv/.project ## Format the code and mend what the linter can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: bench
bench: setup ## The benchmarks, as a table
	@$(BIN)/python -m bench $(ARGS)

.PHONY: requirements
requirements: .venv/.project ## Write requirements/*.txt anew (UPGRADE=1: newest of all, UPGRADE=name: of one)
	@UPGRADE="$(UPGRADE)" requirements/lock.sh

.PHONY: clean
clean: ## Remove what set-up and the tools made
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# Two stamps, because a new dependency costs a minute and a change of pyproject.toml a second.
.venv/.requirements: requirements/dev.txt
	@tools/make-venv $(PYTHON)
	@echo "Installing what requirements/dev.txt names (hashes checked) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

.venv/.project: .venv/.requirements pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

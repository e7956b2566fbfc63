# Development on Debian and Ubuntu. `make help` lists the targets.
#
# make install PYTHON=python3.12   chooses the interpreter (3.11 or 3.12)
# make test PYTEST_ARGS="-k wire"  passes arguments to pytest
#
# Tests run in as many processes as there are processors, each of which computes with one thread.

SHELL := /bin/bash
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
DEMO_COMMAND ?= $(BIN)/signseg-rig run examples/02_dry_run.toml --require-success

.DEFAULT_GOAL := help
.PHONY: help install display demo lint format test docs clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

install: ## create .venv and install everything for development
	@tools/setup_venv.sh "$(VENV)" "$(PYTHON)"

display: ## install the Debian packages that a window without a screen needs
	@tools/setup_display.sh

demo: install display ## run a closed loop with a simulated animal
	$(DEMO_COMMAND)
	@echo "Make signseg-rig known to your shell: source $(BIN)/activate"

lint: install ## check style, types and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: install ## format the code and repair what ruff can repair
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

test: display lint ## run every check and every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 8 --dist loadfile $(PYTEST_ARGS)

docs: install ## build the documentation site into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "Open site/index.html"

clean: ## remove .venv and what the tools left behind
	rm -rf $(VENV) build dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

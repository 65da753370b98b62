# Everything runs in .venv, made from requirements.lock.
PYTHON ?= python3
# Only a cache with a limit is locked, as processes that share it need it.
export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/.cache/xla
export JAX_COMPILATION_CACHE_MAX_SIZE ?= 4294967296
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS ?= 0.3
# XLA compiles on one core, so two processes take half the time; 1.5 GB each. The
# tests of a file stay together, because they share programs and workdirs.
TEST_PROCESSES ?= 2
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest --quiet --numprocesses=$(TEST_PROCESSES) --dist=loadfile --no-loadscope-reorder
LOCK := uv pip compile --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra dev --output-file requirements.lock
WHEEL := .cache/wheel
SITE := .cache/site
STEPS := --config.train.steps=3 --config.train.batch_size=2 --config.data.size='(32,32)' --config.data.train_count=6 --config.data.val_count=2

.PHONY: help environment demo quick test lint format build site wheel-check lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

environment: .venv/ready ## make .venv with the pinned versions

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "jtr_jax needs Python 3.11 or newer; found " + sys.version.split()[0] + ". Run make PYTHON=python3.11")'
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: environment ## built-in data, a short training run with pictures
	$(BIN)/python -m jtr_jax.main --config=configs/rooms_demo.py --workdir=runs/demo
	@echo "Look at runs/demo/pictures/predictions.png and reconstructions.png"

quick: lint ## lint, types and the tests that train nothing: under two minutes
	$(PYTEST) -m 'not trains'

test: lint ## lint, types and all tests
	$(PYTEST)

lint: environment ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: environment ## format, and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

build: environment ## wheel and sdist in dist/
	$(BIN)/hatchling build --directory dist

site: ## the pages of docs/ as a site in site/, warnings as errors
	test -d $(SITE) || $(PYTHON) -m venv $(SITE)
	sed -n '/^docs = \[/,/^\]/s/^  "\([^"]*\)".*/\1/p' pyproject.toml > $(SITE)/needed.txt
	$(SITE)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $(SITE)/needed.txt
	NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mkdocs build

wheel-check: build ## train from the wheel, installed elsewhere with its own dependencies
	rm -rf $(WHEEL)
	mkdir -p $(WHEEL)/empty
	$(PYTHON) -m venv $(WHEEL)/venv
	$(WHEEL)/venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock "$$(ls -t dist/*.whl | head -n 1)[program]"
	cd $(WHEEL)/empty && ../venv/bin/python -m jtr_jax.main --config=configs/rooms_demo.py $(STEPS) --workdir=run

lock: ## pin the newest versions that pyproject.toml allows
	$(LOCK) --upgrade pyproject.toml

clean: ## remove what the other targets made, data and runs aside
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache dist

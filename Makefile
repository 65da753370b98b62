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

.PHONY: help environment demo test lint format lock clean

help:
	@echo "make demo    environment, built-in data, a short training run with pictures"
	@echo "make test    environment, lint, format, types, tests"
	@echo "make lock    pin the newest versions that pyproject.toml allows"

environment: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "jtr_jax needs Python 3.11 or newer; found " + sys.version.split()[0] + ". Run make PYTHON=python3.11")'
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: environment
	$(BIN)/python -m jtr_jax.main --config=configs/rooms_demo.py --workdir=runs/demo
	@echo "Look at runs/demo/pictures/predictions.png and reconstructions.png"

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest --numprocesses=$(TEST_PROCESSES) --dist=loadfile --no-loadscope-reorder

format: environment
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:
	uv pip compile --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra dev --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache

# Only GNU make and a Python that pyproject.toml allows are assumed. uv is used when it is on PATH.
#   make studies     run the notebooks into build/studies and write figures
#   make test        prove the numbers: everything that is checked, fast failures first
#   make refresh     rewrite the committed notebooks and figures
#   make lab         open JupyterLab
#   make check       self-test of the installation
#   make simulate    repeat the recorded simulations;  make benchmark  the timings
#   make clean       remove what the other targets built, but for .venv

.POSIX:
.SUFFIXES:
.NOTPARALLEL:
.PHONY: studies refresh test lab check simulate benchmark clean install lint types tests kernels notebooks

VENV = .venv
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed
WORKERS = 2
PYTEST = $(BIN)/python -m pytest --durations=15

studies: $(INSTALLED)
	@$(BIN)/hemresearch studies

refresh: $(INSTALLED)
	@$(BIN)/hemresearch studies --refresh

check: $(INSTALLED)
	@$(BIN)/hemresearch check

lab: $(INSTALLED)
	@HEMRESEARCH_FIGURES="$(CURDIR)/figures" $(BIN)/jupyter lab --notebook-dir=.

test: lint types tests kernels notebooks

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(INSTALLED)
	$(BIN)/mypy

# Unit, reference, property, refusal, layer, wheel, static and docstring tests.
tests: $(INSTALLED)
	$(PYTEST) tests --ignore=tests/benchmarks -n $(WORKERS) --dist loadfile \
	    --cov=hemresearch --cov-report=

# Coverage does not see into compiled code, so the kernels run once more as plain Python.
kernels: $(INSTALLED)
	NUMBA_DISABLE_JIT=1 $(PYTEST) tests/numerics --cov=hemresearch --cov-append --cov-report=
	$(BIN)/python tests/support/refusals_reached.py
	$(BIN)/coverage report --skip-covered --fail-under=90

# Every committed notebook is run again and its outputs compared with what is committed.
notebooks: $(INSTALLED)
	$(PYTEST) notebooks --nbval --nbval-current-env --nbval-sanitize-with=tests/nbval_sanitize.cfg \
	    --nbval-cell-timeout=300 -n $(WORKERS) --dist loadfile

simulate: $(INSTALLED)
	@$(BIN)/python tests/simulations/run.py

benchmark: $(INSTALLED)
	$(BIN)/python tests/benchmarks/startup.py
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only -s

clean:
	rm -rf build dist .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find src tests notebooks -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(INSTALLED)

$(INSTALLED): pyproject.toml $(BIN)/python
	@echo "Installing hemresearch into $(VENV) (once; a minute or two)"
	@if command -v uv >/dev/null 2>&1; then \
	    uv pip install --quiet --python $(BIN)/python --editable '.[dev]'; \
	else \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'; \
	fi
	@touch $@

# The first Python on PATH that pyproject.toml allows, or the one named by `make PYTHON=...`.
$(BIN)/python:
	@if command -v uv >/dev/null 2>&1 && [ -z "$(PYTHON)" ]; then uv venv --quiet --python '>=3.11,<3.16' $(VENV); exit; fi; \
	for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.14 python3.15 python); do \
	    if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 16))' >/dev/null 2>&1; then \
	        exec $$python -m venv $(VENV); \
	    fi; \
	done; \
	echo "No Python from 3.11 to 3.15 was found. Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1

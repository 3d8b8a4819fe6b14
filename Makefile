# Every target makes the virtual environment where it is missing, installs what it needs, and does the job.
PYTHON ?= python3
BIN := .venv/bin

CAPTION ?= a stop sign is flying in blue skies

.PHONY: draw demo test test-all lint clean
.DELETE_ON_ERROR:
unexport PYTHONDONTWRITEBYTECODE  # or each of the processes that share the tests rewrites all of them

draw: .venv/installed  ## draw a caption with the weights that ship; make draw CAPTION="a red car in the snow"
	$(BIN)/python -m pipelines generate "$(CAPTION)"

demo: .venv/installed  ## train a model in front of you, draw with it, serve it
	$(BIN)/python -m pipelines demo
	$(BIN)/python -m serving demo --once

test: .venv/installed-dev  ## what continuous integration runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright > .venv/types.txt & pyright=$$!; \
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not slow" --durations=10; \
	tests=$$?; wait $$pyright; types=$$?; cat .venv/types.txt; exit $$((tests + types))

test-all: .venv/installed-dev  ## with the tests that take minutes
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=20

lint: .venv/installed-dev  ## format and mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove the environment and the caches, not the data or the runs
	rm -rf .venv .pytest_cache .ruff_cache

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "Python 3.11 to 3.13 is needed, this is %d.%d; say make PYTHON=..." % sys.version_info[:2])'
	$(PYTHON) -m venv .venv

.venv/installed: requirements.txt .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

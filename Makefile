# make run      start the demonstration daemon in the foreground (conf/demo; no root needed)
# make test     run every test (those that need root or another program say why they are skipped)
# make check    lint, format and types
# make bench    compare with xinetd and openbsd-inetd on this machine
#
# Everything is installed into $(VENV); PYTHON names the interpreter it is made from (3.11 or later).

PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV ?= .venv
ARGS ?=

bin := $(VENV)/bin
sources := $(shell find superd services -name '*.py') pyproject.toml

.PHONY: run test check bench clean

run: $(VENV)/.installed
	@sed "s/@USER@/$$(id -u | sed 's/^0$$/nobody/')/" conf/demo/programs.in > $(VENV)/demo-programs
	exec $(bin)/superd run -c conf/demo -c $(VENV)/demo-programs --state-file $(VENV)/demo-state $(ARGS)

test: $(VENV)/.tools
	$(bin)/python -Im pytest $(ARGS)

check: $(VENV)/.tools
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy

bench: $(VENV)/.installed
	$(bin)/python -m benchmarks.run $(ARGS)

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "superd needs Python 3.11 or later: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	touch $@

# The tools come with an editable install, which already follows every change of the sources.
$(VENV)/.installed: $(VENV)/.made $(sources)
	test -e $(VENV)/.tools || $(bin)/python -m pip install --quiet --disable-pip-version-check .
	touch $@

$(VENV)/.tools: $(VENV)/.made pyproject.toml
	$(bin)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(VENV)/.installed

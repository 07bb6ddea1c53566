# Needs python3, pip and make, and nothing else. Everything is installed into .venv, once: a stamp
# file says what is there, and only a change of pyproject.toml makes a target install again.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
CORPORA ?= $(if $(ESIGN_KIT_CORPORA),$(ESIGN_KIT_CORPORA),../shared/corpora)
PIP := $(PY) -m pip --disable-pip-version-check --no-input

.PHONY: help demo test conformance bench docs interop check fixtures tpm clean
.DELETE_ON_ERROR:

help:
	@echo "make demo         sign an application, verify it, say who signed; files are left in demo/"
	@echo "make test         run the tests"
	@echo "make conformance  run the published and crafted suites (folder: $(CORPORA))"
	@echo "make bench        what signing and verifying cost, as multiples of the floor, beside others"
	@echo "make interop      others verify what we sign, and we verify what they sign (EU DSS: needs mvn)"
	@echo "make docs         build the documentation into docs/_build/html"
	@echo "make tpm          sign with a TPM 2.0 in software; nightly (needs swtpm, tpm2-abrmd, tpm2-pkcs11)"
	@echo "make check        style, types, architecture"
	@echo "make fixtures     generate tests/fixtures/certs again"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV) || { $(PYTHON) -m venv --without-pip $(VENV) && \
		$(PYTHON) -m pip --python $(VENV)/bin/python install --quiet pip; }

$(VENV)/.pip: | $(VENV)/bin/python
	$(PIP) install --quiet --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.package: pyproject.toml | $(VENV)/.pip
	$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.%: pyproject.toml | $(VENV)/.package
	$(PIP) install --quiet --group $*
	@touch $@

demo: $(VENV)/.package
	@$(PY) -m esign_kit.testing.demo demo

test: $(VENV)/.test $(VENV)/.peers
	$(PY) -m pytest $(ARGS)

conformance: $(VENV)/.test
	$(PY) -m tests.conformance $(CORPORA) --json conformance.json $(ARGS)

bench: $(VENV)/.test $(VENV)/.peers
	$(PY) -m bench $(ARGS)

docs: $(VENV)/.docs
	$(PY) -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

interop: $(VENV)/.test $(VENV)/.peers
	$(PY) -m pytest tests/interop $(ARGS)
	$(PY) -m interop.dss $(ARGS)

check: $(VENV)/.test $(VENV)/.lint $(VENV)/.types
	$(PY) -m ruff check src tests bench interop
	$(PY) -m ruff format --check src tests bench interop
	$(PY) -m mypy
	$(PY) -m pytest -q tests/test_architecture.py tests/test_public_api.py

tpm: $(VENV)/.test
	PYTHON=$(PY) bash tests/tpm/run.sh

fixtures: $(VENV)/.package
	$(PY) -m esign_kit.testing tests/fixtures/certs.toml tests/fixtures/certs

clean:
	rm -rf build dist demo docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis conformance.json

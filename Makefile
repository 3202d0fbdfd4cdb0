# Everything a developer or an operator runs. `make` alone prints this help.

SHELL       := /bin/bash
PYTHON      ?= python3
CARGO       ?= cargo
TARGET      ?= target
VENV        := $(TARGET)/venv
PY          := $(VENV)/bin/python
FRAMEWORKS  := $(TARGET)/frameworks
NODE        := $(TARGET)/node
WASM_TARGET := wasm32-wasip1
MODULE      := $(TARGET)/$(WASM_TARGET)/release/tollgate.wasm
BINARY      := $(TARGET)/release/tollgate
BINDGEN     := $(TARGET)/tools/bin/wasm-bindgen-test-runner

export CARGO_TARGET_DIR := $(abspath $(TARGET))
export TOLLGATE_BIN     := $(abspath $(BINARY))
export TOLLGATE_WASM    := $(abspath $(MODULE))
export TOLLGATE_NODE    := $(abspath $(NODE))
# Cargo would look for make's own job tokens, which only sub-makes are handed, and complain.
export CARGO_MAKEFLAGS  :=

# The release profile is made for the module; the host binary does without its slow link.
FAST := --config profile.release.lto=false --config profile.release.codegen-units=16

# Load tests are a crate of their own.
LOAD := $(CARGO) run --release --quiet --manifest-path tests/load/Cargo.toml --target-dir $(TARGET)/load --

.DEFAULT_GOAL := help
.PHONY: help setup build wasm run test test-rust test-wasm test-envoy lint fmt bench bench-lanes soak simulate crowd bounds fuzz size clean

help: ## Print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(VENV)/.done $(FRAMEWORKS)/.done $(NODE)/.done servers targets ## Fetch Envoy, the Wasm targets, the test clients and servers

.PHONY: targets
targets:
	@for target in $(WASM_TARGET) wasm32-unknown-unknown; do \
	  rustup target list --installed | grep -qx $$target || rustup target add $$target; done

# The files hold every package with its hashes, so nothing is to be resolved: pip would take a newer release of a package
# that another one asks for with extras, and then refuse it for want of a hash.
PIP_INSTALL := pip install --quiet --disable-pip-version-check --no-compile --no-deps -r

$(VENV)/.done: tests/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m $(PIP_INSTALL) tests/requirements.txt
	touch $@

$(FRAMEWORKS)/.done: tests/frameworks/requirements.txt
	$(PYTHON) -m venv $(FRAMEWORKS)
	$(FRAMEWORKS)/bin/python -m $(PIP_INSTALL) $<
	touch $@

# Servers that tests start for themselves. Where they cannot be installed the rest is still set up; the tests that need
# them are skipped, and a complete run fails.
SERVERS := redis-server webdis
.PHONY: servers
servers:
	@missing=$$(PATH=$$PATH:/usr/sbin:/usr/local/sbin; for server in $(SERVERS); do \
	  command -v $$server >/dev/null || printf ' %s' $$server; done); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
	  echo "not installed:$$missing. There is no apt here: install them by hand, or the tests of state in Redis are skipped"; exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2>/dev/null; then sudo='sudo -n'; else \
	  echo "not installed:$$missing. Run: sudo apt-get install$$missing"; exit 0; fi; \
	echo "installing$$missing"; \
	$$sudo sh -c "apt-get update -qq; RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends$$missing" \
	  || echo "apt could not install$$missing: the tests of state in Redis are skipped"

# Without npm the rest is still set up; the tests that run under Node then fail and say the same.
$(NODE)/.done: tests/sdk/node/package.json tests/sdk/node/package-lock.json
	@if ! command -v npm >/dev/null; then \
	  echo "npm is not installed: the tests that run under Node need Node.js 20 or newer with npm"; \
	else \
	  mkdir -p $(NODE) && cp $^ $(NODE)/ && npm ci --prefix $(NODE) --ignore-scripts --no-audit --no-fund --loglevel error && touch $@; \
	fi

build: ## Build the host binary `tollgate`
	$(CARGO) build $(FAST) --release --bin tollgate

wasm: targets ## Build the filter, tollgate.wasm
	$(CARGO) build --release --lib --target $(WASM_TARGET)

run: $(VENV)/.done build wasm ## Start Envoy with simulated providers, or the real ones whose API keys are set
	@PYTHONPATH=tests $(PY) -m support.run

# Downloads and the module's slow link leave a processor free, and what is built for tests lies in folders of its own: all go
# side by side.
test: ## Run every test
	$(MAKE) --jobs=3 --output-sync=target setup wasm checked
	$(MAKE) test-wasm test-envoy

.PHONY: checked
checked: lint
	$(MAKE) test-rust

test-rust: ## Unit, property, lane, corpus and command-line tests
	$(CARGO) test --no-fail-fast

test-wasm: targets $(BINDGEN) ## The pure core's tests on wasm32-unknown-unknown
	CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=$(abspath $(BINDGEN)) \
	  $(CARGO) test --target wasm32-unknown-unknown --test wasm

$(BINDGEN): Cargo.lock
	$(CARGO) install --quiet --debug --root $(TARGET)/tools wasm-bindgen-cli --bin wasm-bindgen-test-runner --force \
	  --version =$$(sed -n '/name = "wasm-bindgen"$$/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)
	touch $@

# With the host binary of `test-rust`, checked arithmetic and all. (`cargo build` would make another, with other features.)
test-envoy: export TOLLGATE_BIN := $(abspath $(TARGET))/debug/tollgate
test-envoy: setup wasm ## The real module in a real Envoy, with the official SDKs
	$(CARGO) test --no-run --test cli
	$(PY) -m pytest tests -q --fail-on-skip --numprocesses 2 --dist loadfile
	$(FRAMEWORKS)/bin/python -m pytest tests/frameworks -q --fail-on-skip

lint: targets ## rustfmt, clippy, links of the docs, and the licences and advisories of dependencies where cargo-deny is installed
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets --quiet -- -D warnings
	$(CARGO) clippy --lib --target $(WASM_TARGET) --quiet -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --no-deps --document-private-items --quiet
	@if command -v cargo-deny >/dev/null; then cargo deny --log-level error check bans licenses sources; \
	  else echo "cargo-deny is not installed: dependencies not checked"; fi

fmt: ## Format the code
	$(CARGO) fmt

bench: setup build wasm ## Cost against the same Envoy without the filter: cells, lanes, policies (BENCH_ARGS=--lanes: these alone)
	$(LOAD) bench $(BENCH_ARGS)
	$(if $(filter --lanes --policies --only --only=% --perf,$(BENCH_ARGS)),,$(LOAD) bench --lanes $(BENCH_ARGS))
	$(if $(filter --lanes --policies --only --only=% --perf,$(BENCH_ARGS)),,$(LOAD) bench --policies $(BENCH_ARGS))

soak: setup build wasm ## 200,000 requests of every kind; memory must stay flat
	$(LOAD) soak $(SOAK_ARGS)

bounds: ## Whether a body of any kind costs more time than its size allows, in every lane
	$(CARGO) test --test lanes -- --ignored bounds

simulate: $(VENV)/.done build wasm ## A thousand tenants in bursts against their limits: admitted, queued, refused, and the ideal
	$(PY) examples/thousand-tenants/simulate.py $(SIMULATE_ARGS)

CROWD ?= 2000000
crowd: setup build wasm ## CROWD users with a limit each through the real Envoy: exact counts, bounded memory (minutes)
	$(CARGO) test $(FAST) --release --lib -- --ignored millions_of_accounts
	TOLLGATE_USERS=$(CROWD) $(PY) -m pytest tests/envoy/test_many_accounts.py -q -s

bench-lanes: ## Cost of each translator by itself, and of the token estimate
	$(CARGO) bench --config profile.bench.lto=false --config profile.bench.codegen-units=16 --quiet --bench lanes $(BENCH_ARGS)

FUZZ_SECONDS ?= 600
FUZZ_PATH := PATH="$(abspath $(TARGET))/tools/bin:$$PATH"
fuzz: ## Every framer and decoder over hostile input, FUZZ_SECONDS each (FUZZ_ONLY=stream for some)
	@$(FUZZ_PATH) $(CARGO) fuzz --version >/dev/null 2>&1 \
	  || $(CARGO) install --quiet --root $(TARGET)/tools cargo-fuzz \
	  || { echo "make fuzz needs cargo-fuzz, which could not be installed: cargo install cargo-fuzz"; exit 1; }
	$(FUZZ_PATH) FUZZ_SECONDS=$(FUZZ_SECONDS) nice tests/fuzz/run.sh $(abspath $(TARGET))/fuzz

size: wasm ## Print the module's size
	@stat -c '%n %s bytes' $(MODULE)
	@gzip -9 -c $(MODULE) | wc -c | xargs printf 'gzip -9: %s bytes\n'

clean: ## Remove everything that was built or fetched
	rm -rf $(TARGET)

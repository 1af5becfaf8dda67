# What people type. Build output goes to a cache folder, so that RocksDB is compiled once a machine.

export ELECTRODE_CACHE ?= $(HOME)/.cache/electrode
export CARGO_TARGET_DIR ?= $(ELECTRODE_CACHE)/target
CARGO ?= cargo
ELECTRODE = $(CARGO_TARGET_DIR)/release/electrode

.PHONY: help setup build demo lint daemons test bench package

help:
	@echo 'make demo    build, and serve a chain made up on the spot (no node needed)'
	@echo 'make build   build the server: $(ELECTRODE)'
	@echo 'make test    everything CI checks: lints, unit tests, real daemons and wallets'
	@echo 'make package build a Debian package and a tarball: $(ELECTRODE_CACHE)/package'
	@echo 'make bench   build the benchmark program: see tests/bench/README.md'

# What RocksDB's bindings need is installed where it is missing.
setup:
	@.ci/setup build

build: setup
	@.ci/progress $(CARGO) build --release --locked --package electrode

demo: build
	@$(ELECTRODE) demo

# After the build, which says how far it is while RocksDB compiles.
lint: build
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --release --locked --workspace --no-deps --document-private-items

daemons:
	@.ci/setup tests

test: lint daemons
	$(CARGO) test --release --locked --workspace

bench: build
	$(CARGO) build --release --locked --package electrode-bench

package:
	@.ci/setup package
	@.ci/progress $(CARGO) build --release --locked \
		--package electrode --package electrode-dogecoin --package electrode-namecoin
	@configs/packaging/build

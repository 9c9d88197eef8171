# What people and CI run. `make` alone lists the targets.

.PHONY: help build test lint fuzz docs servers img bench

# Cargo features: `make test FEATURES=sql` tests `contrail query` too, and takes ten minutes more to compile.
FEATURES ?=

# How long `make fuzz` feeds each target, in seconds.
FUZZ_SECONDS ?= 600

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

build: ## the dev build that the README runs
	cargo build --locked --features '$(FEATURES)'

test: servers ## all tests: cargo's, and those against servers and readers that we did not write
	cargo test --locked --features '$(FEATURES)'

servers: ## install the test servers under target/ (skipped, with a word, where python3 or npm is absent)
	sh tests/servers.sh

lint: ## format, clippy with warnings denied, and the licence and ban check where cargo-deny is installed
	cargo fmt --all --check
	cargo clippy --locked --all-targets --features '$(FEATURES)' -- -D warnings
	@if command -v cargo-deny >/dev/null 2>&1; then cargo deny --offline check licenses bans sources; \
	else echo "SKIPPED cargo deny: cargo-deny is not installed"; fi

fuzz: ## feed each fuzz target for ten minutes (FUZZ_SECONDS); needs cargo-fuzz and a C++ compiler, and no nightly
	cd fuzz && for target in $$(cargo fuzz list); do \
	RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none $$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=4096 || exit 1; done

docs: ## the API documentation, with warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items --features '$(FEATURES)'

img: ## draw the README's pictures again
	python3 img/make.py

bench: servers ## measure memory, CPU and time with the release binary
	cargo build --release --locked
	python3 benches/memory.py
	python3 benches/price_list_cpu.py
	python3 benches/spot_tick.py
	python3 benches/cold_start.py
	python3 benches/tables.py
	python3 benches/price.py

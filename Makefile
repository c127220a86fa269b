# What a person types. Each target may be run twice, and none asks a question.
.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-long bench bench-instructions package package-test package-arm64 kernels kernels-arm64 newer-systemd fuzz-long fmt lint prebuild clean

CARGO ?= cargo
# rustup's folder is in PATH only for shells that read its profile.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' Makefile

setup: ## Install what is missing to build and test (asks nothing)
	@scripts/setup.sh --test

build: ## Build audit, audit-supervisor and audit-ship into target/release
	@scripts/setup.sh
	$(CARGO) build --release --locked -p cli -p supervisor -p ship --features cli/parquet,ship/nats

demo: build ## Build, record a small real command, show the record
	@scripts/demo.sh

test: setup ## Build and run all tests that this machine can run (ARGS go to nextest)
	@scripts/test.sh $(ARGS)

test-long: setup ## The same, with the long forms of the tests
	@scripts/test.sh --long $(ARGS)

bench: build ## Measure what recording costs, as root (ARGS: --rounds N --only WORD --tools --write ...)
	$(CARGO) build --release --locked -p xtests --bin bench
	@$(or $(CARGO_TARGET_DIR),target)/release/bench $(ARGS)

bench-instructions: ## Count the instructions of the hot parts (valgrind; minutes)
	@scripts/bench-instructions.sh

package: build ## Make a tarball, Debian and RPM packages in dist/
	@recorder=$$(scripts/static.sh) && AUDIT_RECORDER=$$recorder packaging/package.sh

package-arm64: ## The same for arm64, by Debian's cross compiler
	@built=$$(scripts/cross.sh) && AUDIT_MACHINE=aarch64 AUDIT_BUILT=$$built packaging/package.sh

kernels: build ## Boot Linux 6.1 and 6.12 in an emulated machine and record there (by network)
	@scripts/kernels/try.sh amd64 linux-image-cloud-amd64/bookworm linux-image-cloud-amd64/bookworm-backports

kernels-arm64: ## The same for arm64
	@scripts/cross.sh >/dev/null
	@scripts/kernels/try.sh arm64 linux-image-cloud-arm64/bookworm linux-image-cloud-arm64/bookworm-backports

newer-systemd: ## Run the suite `systemd` with the systemd of Debian's backports (by network)
	@scripts/newer-systemd.sh

fuzz-long: ## Fuzz each target in its turn, one process in the idle class (SECONDS=3600)
	@chrt -i 0 nice -n 19 fuzz/long $(or $(SECONDS),3600)

package-test: package ## Install and record in a clean Debian root, as root; once by network
	@packaging/try-debian.sh dist/audit-run_*.deb

fmt: ## Format the Rust code
	$(CARGO) fmt --all

lint: ## Formatter and clippy, as CI has them; shellcheck where it is installed
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --features cli/parquet,ship/nats --locked -- -D warnings
	@if command -v shellcheck >/dev/null; then \
		shellcheck -x .ci/run scripts/*.sh scripts/demo/*.sh; \
	fi

prebuild: ## Rebuild the BPF objects that are kept for machines without clang
	bpf/prebuild.sh

clean: ## Remove what was built; records are left alone
	$(CARGO) clean

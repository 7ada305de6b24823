# What a person types. `make help` lists the targets. Needs GNU make, a Rust toolchain (Cargo.toml
# says from which release on) and, to test, Go: the cosigns to test against are built from source.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := all

PREFIX ?= /usr/local
DESTDIR ?=
MINUTES ?= 1
COSIGN ?=
SIGNING_KEY ?=
RELEASE ?= aicr-$(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
BINARY := $(or $(CARGO_TARGET_DIR),target)/release/aicr
CARGO_DENY_VERSION := 0.20.2
CARGO_MUTANTS_VERSION := 27.1.0
ACTIONLINT_VERSION := v1.7.12
SCRIPTS = $(shell grep -lxs '\#!/usr/bin/env bash' scripts/* scripts/*/* .ci/* examples/*/*)

.PHONY: all
all: ## Build target/release/aicr
	scripts/build-release

.PHONY: demo
demo: all ## Show a release being bundled, signed without a network, verified and tampered with
	scripts/demo

.PHONY: test
test: ## Run all tests, with the cosign on the PATH or else the newest upstream release
	scripts/need strace unshare script openssl sha256sum zsh fish man busybox bsdtar python3 jq
	[ "$$(id -u)" != 0 ] || scripts/need mkfs.xfs # only root may mount what it makes
	AICR_TEST_COSIGN=$$(scripts/cosign-for-tests); export AICR_TEST_COSIGN; \
	cargo test --locked

.PHONY: matrix
matrix: ## Run the matrix tests with every cosign in scripts/cosign-releases.txt (COSIGN=PATH: with that one)
	scripts/need strace unshare script openssl sha256sum busybox
	if [ -n "$(COSIGN)" ]; then \
	  AICR_TEST_COSIGN=$$(realpath -e -- "$(COSIGN)"); AICR_TEST_MATRIX="custom=$$AICR_TEST_COSIGN"; \
	else \
	  AICR_TEST_MATRIX=$$(scripts/cosign-matrix); AICR_TEST_COSIGN=$$(scripts/cosign-for-tests); \
	fi; \
	export AICR_TEST_MATRIX AICR_TEST_COSIGN; \
	list=$$(cargo test --locked --test aicr matrix -- --list); \
	grep -q ': test$$' <<<"$$list" || { echo 'make matrix: tests/aicr has no matrix tests' >&2; exit 1; }; \
	cargo test --locked --test aicr matrix

.PHONY: test-kms
test-kms: ## Run the tests with key managers, real ones and their likes, which it installs (OpenBao, MiniStack, SoftHSM)
	scripts/need strace unshare nsenter openssl
	scripts/kms/install >/dev/null
	AICR_TEST_MATRIX=$$(scripts/cosign-matrix); export AICR_TEST_MATRIX; \
	cargo test --locked --test kms -- --show-output

.PHONY: test-sigstore test-sigstore-long
LONG_SIGSTORE_TESTS := cells:: failures::answers:: failures::ways::
test-sigstore: ## Run the tests with a private Sigstore, which it builds (Fulcio, Rekor 1 and 2, timestamps)
test-sigstore: tests := $(LONG_SIGSTORE_TESTS:%=--skip %)
test-sigstore-long: ## Run the tests that test-sigstore leaves out: every signer, recording and release; every failure of a service
test-sigstore-long: tests := $(LONG_SIGSTORE_TESTS)
test-sigstore test-sigstore-long:
	scripts/need strace unshare nsenter ip openssl
	scripts/sigstore/install >/dev/null
	AICR_TEST_MATRIX=$$(scripts/cosign-matrix); export AICR_TEST_MATRIX; \
	cargo test --locked --test sigstore -- --show-output $(tests)

.PHONY: test-slurm
test-slurm: ## As root, run examples/slurm with a Slurm of two nodes on this host, which it installs
	cargo build --locked
	scripts/test-slurm

.PHONY: fuzz
fuzz: ## Hold the parsers against what libFuzzer makes up (MINUTES=1, after the build, for all targets together)
	scripts/fuzz $(MINUTES)

.PHONY: mutants
mutants: ## Change what accepts and refuses, one thing at a time, and see that a test fails each time (two hours)
	CARGO_PROFILE_DEV_DEBUG=0 "$$(scripts/get-tool cargo-mutants $(CARGO_MUTANTS_VERSION))" mutants --level error

.PHONY: mutants-verify
mutants-verify: ## The same for the code that only the tests of the program reach (SHARD=0/8: an eighth of it; eight hours)
	AICR_TEST_COSIGN=$$(scripts/cosign-for-tests); export AICR_TEST_COSIGN; \
	CARGO_PROFILE_DEV_DEBUG=0 "$$(scripts/get-tool cargo-mutants $(CARGO_MUTANTS_VERSION))" mutants --level error \
	  --config .cargo/mutants-verify.toml $(if $(SHARD),--shard $(SHARD))

.PHONY: lint
lint: ## Check formatting, clippy, documentation, dependencies, scripts, workflows, examples and the Go
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --all-targets --locked -- -D warnings
	cargo clippy --test kms --test sigstore --locked -- -D warnings # which --all-targets passes over
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items
	"$$(scripts/get-tool cargo-deny $(CARGO_DENY_VERSION))" --locked check bans licenses sources
	scripts/need shellcheck
	shellcheck $(SCRIPTS)
	"$$(scripts/get-actionlint $(ACTIONLINT_VERSION))" .github/workflows/*.yml examples/github-actions.yml
	"$$(scripts/python-env lint tests/lint/requirements.txt)/bin/python" \
	  -c 'import sys, yaml; [yaml.safe_load(open(file)) for file in sys.argv[1:]]' $$(find .github examples -name '*.yml')
	"$$(scripts/python-env lint tests/lint/requirements.txt)/bin/kubernetes-validate" --strict --quiet examples/kubernetes/*.yml
	cd tests/sigstore/servers && unformatted=$$(gofmt -l .) && { [ -z "$$unformatted" ] || { gofmt -d .; exit 1; }; }
	cd tests/sigstore/servers && go vet ./...

.PHONY: reproducible
reproducible: ## Build the program twice, in two places, once without a network, and compare
	scripts/reproducible

.PHONY: dist
dist: ## Make dist/: static programs in archives, .deb and .rpm packages, the source with its crates, an SBOM
	scripts/dist

.PHONY: test-dist
test-dist: dist ## As root, install what is in dist/ where there is no Rust, and sign and verify there
	scripts/test-dist

.PHONY: test-source
test-source: dist ## Build the program from the source archive in dist/, without a network, and compare
	scripts/test-source

.PHONY: test-static
test-static: ## Run the tests of the program with a static one, as in a release
	rustup target list --installed | grep -qx x86_64-unknown-linux-musl || rustup target add x86_64-unknown-linux-musl
	AICR_TEST_COSIGN=$$(scripts/cosign-for-tests); export AICR_TEST_COSIGN; \
	CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS="-Clink-self-contained=yes -Clinker=rust-lld" \
	cargo test --locked --target x86_64-unknown-linux-musl --test aicr

.PHONY: release
release: ## Bundle dist/ and sign it (SIGNING_KEY=cosign.key, or the reference of a key in a key manager)
	[ -n "$(SIGNING_KEY)" ] || { echo 'make release: name the key: make release SIGNING_KEY=…' >&2; exit 2; }
	[ -d dist ] || { echo 'make release: there is no dist/: run make dist' >&2; exit 2; }
	target/x86_64-unknown-linux-musl/release/aicr bundle dist --output "$(RELEASE)" \
	  --release-name aicr --release-version "$(RELEASE:aicr-%=%)" \
	  --signing-key "$(SIGNING_KEY)" --tlog-upload=false --public-key-out "$(RELEASE).pub"

.PHONY: advisories
advisories: ## Look the dependencies up in the RustSec advisory database (fetched from GitHub)
	"$$(scripts/get-tool cargo-deny $(CARGO_DENY_VERSION))" --locked check advisories

.PHONY: bench
bench: ## Compare the speed with sha256sum, openssl, cp and cosign alone (BENCH=quick: a tenth of the data; huge; peers; signing; static; DATA=T1: only that data)
	scripts/need time openssl sha256sum
	AICR_TEST_COSIGN=$$(scripts/cosign-for-tests); export AICR_TEST_COSIGN; \
	if [ "$(BENCH)" = peers ]; then \
	  AICR_BENCH_MODEL_SIGNING=$$(scripts/python-env bench tests/bench/requirements.txt)/bin/model_signing; \
	  export AICR_BENCH_MODEL_SIGNING; \
	fi; \
	if [ "$(BENCH)" = static ]; then \
	  scripts/build-release x86_64; \
	  AICR_BENCH_STATIC=$(CURDIR)/target/x86_64-unknown-linux-musl/release/aicr; export AICR_BENCH_STATIC; \
	fi; \
	cargo bench --locked --bench compare

.PHONY: docs
docs: ## Write again what README.md and docs/ show of the program: examples, flags, exit codes, the picture
	AICR_TEST_COSIGN=$$(scripts/cosign-for-tests); export AICR_TEST_COSIGN; \
	AICR_DOCS_UPDATE=1 cargo test --locked --test aicr docs

.PHONY: fixtures
fixtures: ## Record again what the cosign releases print, into fixtures/cosign
	scripts/record-fixtures

COMMANDS := bundle bundle-sign pack verify inspect sheet doctor
BIN = $(DESTDIR)$(PREFIX)/bin/aicr
MAN = $(DESTDIR)$(PREFIX)/share/man/man1
BASH_COMPLETION = $(DESTDIR)$(PREFIX)/share/bash-completion/completions/aicr
ZSH_COMPLETION = $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_aicr
FISH_COMPLETION = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/aicr.fish

# Does not build what is there: `make && sudo make install` runs no cargo as root.
.PHONY: install
install: | $(BINARY) ## Install the program, its manual pages and completions below PREFIX (/usr/local)
	install -D -m 755 $(BINARY) "$(BIN)"
	$(BINARY) man | install -D -m 644 /dev/stdin "$(MAN)/aicr.1"
	for command in $(COMMANDS); do \
	  $(BINARY) man $$command | install -D -m 644 /dev/stdin "$(MAN)/aicr-$$command.1"; \
	done
	$(BINARY) completions bash | install -D -m 644 /dev/stdin "$(BASH_COMPLETION)"
	$(BINARY) completions zsh | install -D -m 644 /dev/stdin "$(ZSH_COMPLETION)"
	$(BINARY) completions fish | install -D -m 644 /dev/stdin "$(FISH_COMPLETION)"

.PHONY: uninstall
uninstall: ## Remove what `make install` installs, with the same PREFIX and DESTDIR
	rm -f "$(BIN)" "$(MAN)/aicr.1" $(COMMANDS:%="$(MAN)/aicr-%.1") \
	  "$(BASH_COMPLETION)" "$(ZSH_COMPLETION)" "$(FISH_COMPLETION)"

$(BINARY):
	scripts/build-release

.PHONY: clean
clean: ## Remove what was built here (the cosigns and tools in the user's cache stay)
	cargo clean
	rm -rf fuzz/target dist

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

# All set-up happens in .venv, a Python environment of this checkout's own.
#
#   make run     check this machine's Go module cache; where there is none, show a demonstration
#   make test    every test, Python (on both engines) and Rust
#   make lint    formatters, linters, type checks
#   make bench   the benchmarks, and a measurement against `go mod verify`
#   make clean   remove what the above have made
#
# PYTHON=/path/to/python3.12 chooses the interpreter; FASTVERIFY_PURE=1 leaves the native engine out.

.DEFAULT_GOAL := run
SHELL := /bin/sh

PYTHON ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=

# Paths are relative, so that the checkout may lie in a folder whose name has spaces.
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet

BUILD_INPUTS := pyproject.toml $(wildcard Cargo.toml Cargo.lock) \
	$(shell find build_backend rust -name target -prune -o -type f \( -name '*.rs' -o -name '*.py' -o -name 'Cargo.toml' \) -print)

# What decides which engine is built; the stamp is renewed when it changes.
TOOLCHAIN := $(VENV)/toolchain

.PHONY: run test test-python test-rust lint bench clean setup FORCE

run: $(VENV)/installed
	@$(PY) tools/run_here.py

setup: $(VENV)/developing

test: test-rust test-python

test-python: $(VENV)/developing
	$(PY) -m pytest $(PYTEST_ARGS)

test-rust:
	@if [ "$$FASTVERIFY_PURE" = 1 ]; then echo "Rust tests: not run, because FASTVERIFY_PURE=1"; \
	elif ! command -v cargo >/dev/null; then echo "Rust tests: NOT RUN, there is no cargo on the PATH"; \
	else set -x; cargo test --workspace --locked; fi

lint: $(VENV)/developing
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	@if command -v cargo >/dev/null; then set -ex; cargo fmt --all --check; \
	cargo clippy --workspace --all-targets --locked -- -D warnings; \
	else echo "Rust lints: NOT RUN, there is no cargo on the PATH"; fi

bench: $(VENV)/developing
	$(PY) -m pytest benches/test_hashers.py --benchmark-group-by=group,param:module
	$(PY) -m pytest benches/test_project.py
	$(PY) benches/against_go.py $(BENCH_ARGS)
	$(PY) benches/project_against_go.py

clean:
	rm -rf $(VENV) target rust/fuzz/target benches/rust/target build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
	rm -f python/fastverify/_native*.so python/fastverify/_native*.pyd
	find python tests benches build_backend -name __pycache__ -type d -prune -exec rm -rf {} +

# --- set-up ---------------------------------------------------------------------------------------

$(VENV)/created:
	@sh tools/make_venv.sh $(VENV) "$(PYTHON)"
	@touch $@

$(TOOLCHAIN): $(VENV)/created FORCE
	@{ command -v cargo; cargo --version; echo "FASTVERIFY_PURE=$$FASTVERIFY_PURE"; } >$@.now 2>&1 || true
	@if cmp -s $@.now $@; then rm $@.now; else mv $@.now $@; fi

$(VENV)/installed: $(VENV)/created $(TOOLCHAIN) $(BUILD_INPUTS)
	@echo "Installing fastverify into $(VENV) (with the native engine where Rust is there; that takes a minute) ..."
	@rm -f python/fastverify/_native*.so python/fastverify/_native*.pyd
	@$(PIP) install --editable .
	@$(PY) -c 'from fastverify.engine import load_engine; print("Engine:", load_engine().name)'
	@touch $@

$(VENV)/developing: $(VENV)/installed pyproject.toml
	@echo "Installing what tests and linters need into $(VENV) ..."
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install --group dev
	@touch $@

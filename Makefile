# Every target creates what it needs: cargo, python3 (with venv and pip) and make are enough.
#
#   make demo      the founding examples, end to end
#   make test      all tests                        make check     the whole gate, which CI runs
#   make bench     figures beside NumPy and others  make docs      the site, into site/
#   make review    accept changed snapshots         make show F=file.py::function    all stages of one function
#   make fmt       format everything                make test-all  the same wheel on every Python found
#   make survey    how much of installed packages lifts, and whether it agrees
#   make memcheck  the evaluator's tests under valgrind
#   make develop   a build in seconds, used from the tree by .venv until the next `make build`

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
WHEELS := target/wheels
RUST := $(shell find src transforms python/src -name '*.rs' 2>/dev/null) Cargo.toml Cargo.lock $(wildcard */Cargo.toml)
PACKAGE := $(shell find python/lazy -name '*.py' -o -name '*.pyi' -o -name py.typed) pyproject.toml
# The extension module is tested from Python; linked as a test binary it would lack an interpreter.
CRATES := --workspace --exclude lazy-python
USED := target/snapshots-used

.PHONY: memcheck demo test check bench docs review show fmt build develop survey test-all test-rust test-python lint types snapshots clean

demo: build
	$(BIN)/python examples/demo.py

test: test-rust test-python

check: lint types snapshots test

# -- environment and build ---------------------------------------------------------------------

$(VENV)/ready: requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "lazy needs Python 3.11 or later: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -r requirements-dev.txt
	@touch $@

build: $(VENV)/installed

$(VENV)/installed: $(VENV)/ready $(RUST) $(PACKAGE) README.md
	rm -rf $(WHEELS) python/lazy/*.so $(VENV)/lib/*/site-packages/lazy-develop.pth
	$(BIN)/maturin build --release --interpreter $(BIN)/python --out $(WHEELS)
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --force-reinstall $(WHEELS)/*.whl
	@touch $@

develop: $(VENV)/ready
	rm -f $(VENV)/installed
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --profile quick --skip-install
	$(BIN)/python -m pip uninstall -q -y lazy-transforms
	echo $(CURDIR)/python > $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/lazy-develop.pth

# -- tests -------------------------------------------------------------------------------------

# Which snapshots were compared with is kept for `snapshots`.
test-rust:
	rm -f $(USED)
	INSTA_UPDATE=no INSTA_SNAPSHOT_REFERENCES_FILE=$(CURDIR)/$(USED) cargo test $(CRATES)

test-python: build
	$(BIN)/python -m pytest -n auto

survey:
	$(BIN)/python tests/survey.py

# The abi3 wheel that was built once, on every supported Python that is on the PATH.
test-all: build
	@for version in 3.11 3.12 3.13; do \
		command -v python$$version >/dev/null && python$$version -c '' 2>/dev/null || { echo "no python$$version"; continue; }; \
		echo "== python$$version"; \
		test -d $(VENV)-$$version || python$$version -m venv $(VENV)-$$version || exit 1; \
		$(VENV)-$$version/bin/python -m pip install -q --disable-pip-version-check -r requirements-dev.txt || exit 1; \
		$(VENV)-$$version/bin/python -m pip install -q --disable-pip-version-check --no-deps --force-reinstall $(WHEELS)/*.whl || exit 1; \
		$(VENV)-$$version/bin/python -m pytest -n auto || exit 1; \
	done

lint: $(VENV)/ready
	cargo fmt --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: build
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest lazy._lazy

# Every snapshot file must be one that a test compares with.
snapshots: build test-rust
	$(BIN)/python tests/unreferenced.py $(USED)

# The loops for AVX2: valgrind knows no AVX-512.
memcheck:
	CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="valgrind -q --error-exitcode=1" \
		cargo test --release --test evaluator -- --test-threads=1

review: build
	INSTA_UPDATE=always cargo test $(CRATES)
	$(BIN)/python -m pytest --snapshot-update
	git diff --stat snapshots

# -- the rest ----------------------------------------------------------------------------------

# Peers that cannot be installed have no column.
bench: build
	-$(BIN)/python -m pip install -q --disable-pip-version-check numexpr
	-$(BIN)/python -m pip install -q --disable-pip-version-check jax
	-$(BIN)/python -m pip install -q --disable-pip-version-check autograd
	$(BIN)/python benches/bench.py
	$(BIN)/python benches/derivatives.py

docs: build
	$(BIN)/python -m pip install -q --disable-pip-version-check mkdocs==1.6.1
	$(BIN)/python docs/operations.py > docs/operations.md
	$(BIN)/mkdocs build --strict

show: build
	$(BIN)/python -m lazy $(F)

fmt: $(VENV)/ready
	cargo fmt
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(VENV)-3.* target site

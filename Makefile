# Every target sets up .venv by itself, from a fresh clone: Python 3.11+, g++, make and perl are all it needs.

PYTHON  ?= python3
VENV    ?= .venv
JOBS    ?= 2
HW      ?= edge-16x16
MODEL   ?= zoo:digits-cnn
PATTERN ?= 2:4
ARGS    ?=
SECONDS ?= 600
# The address that PyTorch's installation page gives to pip for its builds without CUDA; empty: the build that pip finds.
TORCH_INDEX ?=

# What the tests need; parts, registers and sweep are more of the same kind, tested where they are installed.
EXTRAS  := dev,demo,synth,transformers,onnx
# Where `platforms` resolves: other systems than this one, as uv calls them.
OTHERS  := aarch64-manylinux_2_28 aarch64-apple-darwin x86_64-pc-windows-msvc
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
SHELL  := bash

# What is built once stays in this folder, unless the variable says where; elsewhere it is in the user's cache.
export SKIPBEAT_CACHE ?= $(CURDIR)/build/cache

# The simulators' builds are makes of their own: they must not wait for this one's job server.
unexport MAKEFLAGS MFLAGS MAKELEVEL

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test quick regress verilog estimate validate mutate coverage fuzz lowest platforms lint format clean

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | column -t -s '|'
	@echo "Variables: PYTHON=$(PYTHON) JOBS=$(JOBS) HW=$(HW) MODEL=$(MODEL) PATTERN=$(PATTERN) ARGS='more options of the command'"

demo: $(STAMP) ## the main job on real data, end to end: build/demo/report.html
	$(BIN)/skipbeat demo --hw $(HW) --pattern $(PATTERN) --out build/demo $(ARGS)

test: lint quick ## everything that must pass before a commit: lint and the quick tests

quick: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not slow" $(ARGS)

regress: $(STAMP) ## every test, quick and slow: components, machine programs, layers of the zoo; and random cases
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal
	$(BIN)/skipbeat regress $(ARGS)

verilog: $(STAMP) ## Verilog for HW=preset-or-file, into build/verilog
	$(BIN)/skipbeat verilog --hw $(HW) -o build/verilog/$(notdir $(HW:.yaml=)) $(ARGS)

estimate: $(STAMP) ## cycles and throughput of MODEL=..., layer by layer
	$(BIN)/skipbeat estimate $(MODEL) --hw $(HW) $(ARGS)

validate: $(STAMP) ## published numbers of other simulators beside ours: docs/validation.md
	$(BIN)/skipbeat validate --write docs/validation.md $(ARGS)

mutate: $(STAMP) ## faults planted in the machine's RTL, and how many of them the regression notices
	$(BIN)/python tests/mutation/mutate.py $(ARGS)

coverage: $(STAMP) ## what the lockstep tests and programs reach of the RTL: docs/coverage.md (hours)
	rm -rf build/coverage && mkdir -p build/coverage
	SKIPBEAT_COVERAGE=$(CURDIR)/build/coverage $(BIN)/python -m pytest -n $(JOBS) --dist worksteal tests/hw tests/sim/machine
	$(BIN)/python tests/coverage/coverage_report.py build/coverage --write docs/coverage.md $(ARGS)

fuzz: $(STAMP) ## damaged inputs on every reader for SECONDS (600): one clear line each, nothing left behind
	$(BIN)/python tests/fuzz/campaign.py --inputs 1000000 --seconds $(SECONDS) --seed $$RANDOM $(ARGS)

lowest: $(STAMP) ## every night: the quick tests with the lowest versions that pyproject.toml states
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/lowest
	$(BIN)/uv pip install --quiet --python build/lowest --resolution lowest-direct -e '.[$(EXTRAS)]'
	build/lowest/bin/python -m pytest -n $(JOBS) --dist worksteal -m "not slow" $(ARGS)

platforms: $(STAMP) ## every night: all packages of every extra have wheels on Arm Linux, macOS on Arm, and Windows
	$(BIN)/python -m pip install --quiet uv
	for python in 3.11 3.12 3.13; do for platform in $(OTHERS); do echo "$$platform, Python $$python"; \
	  $(BIN)/uv pip compile --quiet --all-extras --only-binary :all: --no-binary cocotb --python-version $$python \
	    --python-platform $$platform --output-file build/platform.txt pyproject.toml >/dev/null || exit 1; done; done

lint: $(STAMP) ## style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## let ruff format and mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what was generated; .venv stays
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "skipbeat needs Python 3.11 or newer: $(PYTHON) was not found" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "skipbeat needs Python 3.11 or newer: $(PYTHON) is $$($(PYTHON) -V 2>&1); try make PYTHON=python3.11" >&2; exit 1; }
	@for tool in g++ make perl; do command -v $$tool >/dev/null || { echo "skipbeat needs $$tool, which was not found" >&2; exit 1; }; done
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "skipbeat needs Python's venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(if $(TORCH_INDEX),--extra-index-url '$(TORCH_INDEX)') -e '.[$(EXTRAS)]'
	@touch $@

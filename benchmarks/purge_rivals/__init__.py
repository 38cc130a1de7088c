"""Drivers of what one would purge a pool with instead, each for its own environment (scripts/install-purge-rivals.sh):

    .venv-rivals/NAME/bin/python benchmarks/purge_rivals/NAME_driver.py POOL.jsonl SCRATCH_FOLDER

A row of the pool holds `prompt`, `response`, and both as `text`. The last line printed is JSON: `seconds` of the work,
without imports.
"""

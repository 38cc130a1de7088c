"""Ingest: raw instruction-tuning files in, canonical samples out.

`files` finds what to read, `readers` turn a file into rows (one module per container), `shapes` turn a row into
messages (one module per row format), `sample` makes the canonical sample, `tables` writes it. Nothing is dropped: every
row ends in `samples`, `repeats` or `quarantine`.
"""

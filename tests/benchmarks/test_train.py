"""Both sides of the training benchmark train on the same tokens."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from benchmarks.train import HELD_OUT, ours, plain, read_rows
from entp.params import load
from tests.train.tiny import save_tiny


def test_both_sides_learn_the_same_rows(tmp_path: Path):
    pool = tmp_path / "pool.parquet"
    rows = {"instruction": [f"Add {n} and {n % 9}." for n in range(100)], "input": ["", None] * 50}
    pl.DataFrame({**rows, "output": [f"{n + n % 9} " * (1 + n % 12) for n in range(100)]}).write_parquet(pool)
    tiny = save_tiny(tmp_path / "tiny")
    settings = [f"train.model={tiny}", "train.max_length=256", "train.learning_rate=0.01", "train.lora_rank=4"]
    config = load(overrides=settings).train
    chosen = read_rows(pool, 24 + HELD_OUT, seed=1)
    packed, padded = ours(chosen, config, 1), plain(chosen, config, 1)
    assert packed.tokens == padded.tokens
    assert packed.padding < padded.padding
    assert packed.held_out_loss == pytest.approx(padded.held_out_loss, abs=0.5)

"""How examples are laid out for training: whole samples packed into sequences, and the order of a curriculum.

Packed samples do not see each other; a model that would let them is found out.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from entp.config import TrainConfig
from entp.train.examples import Example
from entp.train.packing import keeps_samples_apart, sequences
from tests.train.tiny import tiny_model

CONFIG = TrainConfig(max_length=64, batch_size=1)


def example(number: int, length: int) -> Example:
    return Example([number] * length, [number] * length)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 64), min_size=1, max_size=30), st.booleans())
def test_every_example_is_in_one_sequence_whole(lengths: list[int], ordered: bool):
    examples = [example(number, length) for number, length in enumerate(lengths)]
    rows = sequences(examples, CONFIG, lengths if ordered else None)
    found = [token for row in rows["input_ids"] for token in row]
    assert np.bincount(found).tolist() == lengths
    assert all(len(row) <= CONFIG.max_length for row in rows["input_ids"])
    assert [sum(lengths) for lengths in rows["seq_lengths"]] == [len(row) for row in rows["input_ids"]]


def test_best_fit_leaves_little_room():
    examples = [example(number, length) for number, length in enumerate([40, 40, 24, 24, 60, 4])]
    assert [len(row) for row in sequences(examples, CONFIG, None)["input_ids"]] == [64, 64, 64]


def test_unpacked_rows_are_ordered_one_by_one():
    examples = [example(number, 8) for number in range(5)]
    rows = sequences(examples, CONFIG.model_copy(update={"packing": False}), [0.3, 0.1, 0.5, 0.2, 0.4])
    assert [row[0] for row in rows["input_ids"]] == [1, 3, 0, 4, 2]


def test_packed_rows_are_ordered_part_by_part():
    examples = [example(number, 32) for number in range(32)]
    difficulty = np.random.default_rng(0).permutation(32)
    rows = sequences(examples, CONFIG, difficulty.tolist())
    # 32 examples are 16 batches, so there are 8 parts, of 4 examples in 2 sequences.
    means = [np.mean([difficulty[token] for token in set(row)]) for row in rows["input_ids"]]
    assert len(means) == 16
    assert max(means[:2]) < min(means[2:4]) < max(means[-4:-2]) < min(means[-2:])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_short_examples_are_one_part(count: int):
    examples = [example(number, 8) for number in range(count)]
    assert len(sequences(examples, CONFIG, list(range(count)))) == 1


def test_attention_keeps_packed_samples_apart():
    assert keeps_samples_apart(tiny_model())


def test_a_model_blind_to_position_restarts_is_found_out(monkeypatch: pytest.MonkeyPatch):
    model = tiny_model()
    forward = model.forward

    def blind(position_ids: torch.Tensor, **inputs: object) -> object:
        return forward(position_ids=torch.arange(position_ids.shape[1])[None], **inputs)

    monkeypatch.setattr(model, "forward", blind)
    assert not keeps_samples_apart(model)

"""What a forward pass reads: examples packed into sequences, in the order in which they are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from entp.config import TrainConfig
from entp.train.examples import Example

#: Most parts of a curriculum: within one, rows are packed whatever their difficulty (our choice).
LARGEST_CURRICULUM = 8


def sequences(examples: Sequence[Example], config: TrainConfig, difficulty: Sequence[float] | None) -> Any:
    """A `datasets.Dataset` of `input_ids` and `labels`; where rows are packed, `seq_lengths` says how.

    With the `difficulty` of each example, easy ones come first (curriculum learning, Bengio et al. 2009). Packed, that
    holds from part to part of the curriculum: of at least a batch each, so that packing is not the worse for it.
    """
    import datasets
    from trl import pack_dataset

    parts = [examples] if difficulty is None else _by_difficulty(examples, config, difficulty)
    laid_out = []
    for part in parts:
        rows = datasets.Dataset.from_list([asdict(example) for example in part])
        laid_out.append(pack_dataset(rows, config.max_length, "bfd") if config.packing else rows)
    return datasets.concatenate_datasets(laid_out)


def _by_difficulty(
    examples: Sequence[Example], config: TrainConfig, difficulty: Sequence[float]
) -> list[list[Example]]:
    """The examples from easy to hard, in parts of about as many examples each."""
    order = np.argsort(np.asarray(difficulty), kind="stable")
    batches = sum(len(example.input_ids) for example in examples) // (config.max_length * config.batch_size)
    parts = np.array_split(order, min(max(batches, 1), LARGEST_CURRICULUM, len(examples)))
    return [[examples[place] for place in part] for part in parts]

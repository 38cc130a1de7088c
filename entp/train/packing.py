"""What a forward pass reads: examples packed into sequences, in the order in which they are learnt.

TRL packs without a mask and tells the model by restarting position ids where each sample begins. Attention in
transformers honours that, with or without flash attention; recurrent or remote architectures may not, so a model is
asked before it is trained on packed samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from entp.config import TrainConfig
from entp.train.examples import Example

#: Most parts of a curriculum: within one, rows are packed whatever their difficulty (our choice).
LARGEST_CURRICULUM = 8
#: Token ids of two tiny samples; any ids do, as only a difference is looked for.
SAMPLE_LENGTH = 8
#: Relative change of the second sample's logits that rounding can explain (bfloat16 has 8 bits; our choice).
TOLERANCE = 0.02


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


def keeps_samples_apart(model: Any) -> bool:
    """True where exchanging the first of two packed samples leaves the logits of the second as they were."""
    import torch

    positions = torch.arange(SAMPLE_LENGTH, device=model.device).repeat(2)[None]
    first, other, second = torch.arange(3 * SAMPLE_LENGTH, device=model.device).view(3, SAMPLE_LENGTH) + 10
    model.eval()
    with torch.inference_mode():
        behind_first, behind_other = (
            model(input_ids=torch.cat([before, second])[None], position_ids=positions, use_cache=False).logits[
                0, SAMPLE_LENGTH:
            ]
            for before in (first, other)
        )
    change = (behind_first - behind_other).abs().max() / behind_first.abs().max()
    return bool(change < TOLERANCE)

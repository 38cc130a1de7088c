"""Loss on rows the model was not trained on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from entp import store
from entp.progress import progress
from entp.records import digest_of
from entp.train.examples import IGNORED, Example, batches

#: Tokens in one forward pass: bounds the logits, by far the largest tensor (our choice).
BATCH_TOKENS = 1024


def mean_loss(losses: Sequence[float], examples: Sequence[Example]) -> float:
    """Of all trained tokens (nats per token), every token weighing the same; `losses` are those of the examples."""
    tokens = [example.trained_tokens for example in examples]
    return math.fsum(loss * count for loss, count in zip(losses, tokens, strict=True)) / sum(tokens)


def base_losses(load: Callable[[], Any], base: str, examples: Sequence[Example], cache: Path) -> list[float]:
    """`losses_of` the base model: the same for every training from there, and so computed once and kept in `cache`.

    `load` gives the model, `base` identifies it.
    """
    question = digest_of([base, [[example.input_ids, example.labels] for example in examples]])
    found: list[float] = store.remembered(
        cache / "losses" / f"{question}.json", lambda: losses_of(load(), examples, "train: validation loss")
    )
    return found


def losses_of(model: Any, examples: Sequence[Example], title: str) -> list[float]:
    """Mean negative log-likelihood of each example's assistant tokens (nats per token), in order.

    `title` is what the progress bar says.
    """
    import torch

    found = [0.0] * len(examples)
    model.eval()
    with torch.inference_mode(), progress(title, len(examples)) as advance:
        for places in batches(examples, BATCH_TOKENS):
            input_ids, attention_mask, labels = (
                part.to(model.device) for part in _padded([examples[place] for place in places])
            )
            logits = model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).logits
            totals = torch.nn.functional.cross_entropy(
                logits[:, :-1].transpose(1, 2).float(), labels[:, 1:], ignore_index=IGNORED, reduction="none"
            ).sum(dim=1)
            for place, total in zip(places, totals.tolist(), strict=True):
                found[place] = total / examples[place].trained_tokens
            advance(len(places))
    return found


def _padded(batch: Sequence[Example]) -> tuple[Any, Any, Any]:
    """Token ids, attention mask and labels, padded on the right (token 0 stands for nothing there)."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    ids = [torch.tensor(example.input_ids) for example in batch]
    labels = [torch.tensor(example.labels) for example in batch]
    mask = [torch.ones_like(row) for row in ids]
    return (
        pad_sequence(ids, batch_first=True),
        pad_sequence(mask, batch_first=True),
        pad_sequence(labels, batch_first=True, padding_value=IGNORED),
    )

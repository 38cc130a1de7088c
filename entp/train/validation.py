"""Loss on rows the model was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from entp.progress import progress
from entp.train.examples import IGNORED, Example, batches

#: Tokens in one forward pass: bounds the logits, by far the largest tensor (our choice).
BATCH_TOKENS = 1024


def mean_loss(model: Any, examples: Sequence[Example]) -> float:
    """Mean negative log-likelihood of the assistant's tokens (nats per token, every token weighing the same)."""
    import torch

    total, tokens = 0.0, 0
    model.eval()
    with torch.inference_mode(), progress("train: validation loss", len(examples)) as advance:
        for batch in batches(examples, BATCH_TOKENS):
            input_ids, attention_mask, labels = (part.to(model.device) for part in _padded(batch))
            logits = model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).logits
            total += torch.nn.functional.cross_entropy(
                logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=IGNORED, reduction="sum"
            ).item()
            tokens += sum(example.trained_tokens for example in batch)
            advance(len(batch))
    return total / tokens


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

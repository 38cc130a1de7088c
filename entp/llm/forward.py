"""Probabilities from one forward pass of a causal model, with logits only where they are needed.

Rows are padded on the right: a causal model never looks there, so neither a mask nor positions are needed, and each
row's figures are those it would have alone. What all rows of a batch begin with (the chat template's opening, a
rater's rubric) is computed once.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from entp.llm.prompts import ToScore

#: Logits of one pass stay under this many bytes: with a large vocabulary they dwarf every other tensor.
LOGITS_BYTES = 512 * 2**20
#: A shorter common beginning is not worth a pass of its own.
MIN_SHARED = 8


def vocabulary(model: Any) -> int:
    """Rows of the output layer, which may be more than the tokeniser knows."""
    return int(model.get_output_embeddings().weight.shape[0])


def shares(model: Any, work: Sequence[tuple[list[int], list[int]]]) -> list[list[float]]:
    """For each (prompt, tokens): the probability of each of the tokens right after the prompt."""
    import torch

    last = [len(prompt) - 1 for prompt, _ in work]
    kept = sorted(set(last))
    logits = _logits(model, [prompt for prompt, _ in work], kept)
    found = []
    for row, (_, tokens) in enumerate(work):
        distribution = torch.softmax(logits[row, kept.index(last[row])].float(), dim=-1)
        found.append(distribution[torch.tensor(tokens, device=distribution.device)].tolist())
    return found


def logprobs(model: Any, work: Sequence[ToScore]) -> list[float]:
    """For each item: the summed log-probability (nats) of its continuation after its context."""
    most = LOGITS_BYTES // (vocabulary(model) * model.dtype.itemsize)
    return [total for part in _parts(work, most) for total in _score(model, part)]


def _score(model: Any, part: Sequence[ToScore]) -> list[float]:
    import torch

    kept = _kept(part)
    logits = _logits(model, [item.context + item.continuation for item in part], kept)
    totals = []
    for row, item in enumerate(part):
        first = len(item.context) - 1 - kept.start
        predictions = logits[row, first : first + len(item.continuation)].float()
        targets = torch.tensor(item.continuation, dtype=torch.long, device=predictions.device)
        totals.append(0.0 - torch.nn.functional.cross_entropy(predictions, targets, reduction="sum").item())
    return totals


def _logits(model: Any, rows: Sequence[list[int]], kept: Sequence[int]) -> Any:
    """Logits of every row at the `kept` positions."""
    import torch

    shared = _shared(rows, kept[0])
    past = _read_once(model, rows[0][:shared], len(rows)) if shared else None
    shared = shared if past is not None else 0
    rest = [row[shared:] for row in rows]
    longest = max(map(len, rest))
    padding = model.generation_config.pad_token_id
    tokens = torch.tensor([row + [padding] * (longest - len(row)) for row in rest], device=model.device)
    positions = torch.tensor([position - shared for position in kept], device=model.device)
    with torch.inference_mode():
        return model(
            input_ids=tokens, past_key_values=past, use_cache=past is not None, logits_to_keep=positions
        ).logits


def _shared(rows: Sequence[list[int]], before: int) -> int:
    """How many tokens all rows begin with, up to position `before`; 0 where they are too few to matter."""
    if len(rows) < 2:
        return 0
    alike = itertools.takewhile(
        lambda tokens: len(set(tokens)) == 1, zip(*(row[:before] for row in rows), strict=False)
    )
    count = sum(1 for _ in alike)
    return count if count >= MIN_SHARED else 0


def _read_once(model: Any, beginning: list[int], rows: int) -> Any:
    """Keys and values of a beginning, for each of so many rows; None where the model keeps its memory otherwise."""
    import torch
    from transformers import DynamicCache

    with torch.inference_mode():
        tokens = torch.tensor([beginning], device=model.device)
        past = model(input_ids=tokens, use_cache=True, logits_to_keep=1).past_key_values
        if type(past) is not DynamicCache:
            return None
        past.batch_repeat_interleave(rows)
    return past


def _kept(part: Sequence[ToScore]) -> range:
    """Positions whose logits predict a continuation token of any row (one at least)."""
    first = min(len(item.context) - 1 for item in part)
    last = max(item.length - 1 for item in part)
    return range(first, max(last, first + 1))


def _parts(work: Sequence[ToScore], most: int) -> list[list[ToScore]]:
    """The work in order, cut where one pass would need logits at more than `most` positions."""
    parts: list[list[ToScore]] = []
    for item in work:
        if parts and (len(parts[-1]) + 1) * len(_kept([*parts[-1], item])) <= most:
            parts[-1].append(item)
        else:
            parts.append([item])
    return parts

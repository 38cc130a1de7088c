"""Training rows as token ids and labels: only the assistant's tokens carry loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

#: Label of a token that carries no loss (PyTorch's and TRL's convention).
IGNORED = -100


@dataclass(frozen=True)
class Example:
    """One conversation; `labels` repeats the token where the assistant speaks and is IGNORED elsewhere."""

    input_ids: list[int]
    labels: list[int]

    @property
    def trained_tokens(self) -> int:
        """Tokens that carry loss; the first token of a sequence never does, as nothing predicts it."""
        return sum(label != IGNORED for label in self.labels[1:])


@dataclass(frozen=True)
class Encoded:
    """The usable rows of a table, in its order, and their `places` in it.

    `cut` were longer than allowed, `unusable` kept no answer.
    """

    examples: tuple[Example, ...]
    places: tuple[int, ...]
    cut: int
    unusable: int

    @property
    def tokens(self) -> int:
        return sum(len(example.input_ids) for example in self.examples)


def encode(tokenizer: Any, template: str, rows: pl.DataFrame, max_length: int) -> Encoded:
    """Every row of a TRAINING table through the marked chat template, cut to `max_length` tokens at its end."""
    whole = [_example(tokenizer, template, messages) for messages in rows["messages"].to_list()]
    cut = [Example(example.input_ids[:max_length], example.labels[:max_length]) for example in whole]
    places = tuple(place for place, example in enumerate(cut) if example.trained_tokens)
    return Encoded(
        tuple(cut[place] for place in places),
        places,
        cut=sum(len(example.input_ids) > max_length for example in whole),
        unusable=len(cut) - len(places),
    )


def batches(examples: Sequence[Example], max_tokens: int) -> list[list[int]]:
    """Places of examples of like length together; at most `max_tokens` tokens, padding included, are in a batch."""
    groups: list[list[int]] = []
    for place in sorted(range(len(examples)), key=lambda place: len(examples[place].input_ids)):
        if groups and (len(groups[-1]) + 1) * len(examples[place].input_ids) <= max_tokens:
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def _example(tokenizer: Any, template: str, messages: Sequence[dict[str, str]]) -> Example:
    encoded = tokenizer.apply_chat_template(
        messages, chat_template=template, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    tokens: list[int] = encoded["input_ids"]
    labels = [token if ours else IGNORED for token, ours in zip(tokens, encoded["assistant_masks"], strict=True)]
    return Example(tokens, labels)

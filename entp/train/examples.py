"""Training rows as token ids and labels: only the answers that are learnt from carry loss."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from jinja2.exceptions import TemplateError

from entp.conversation import plain
from entp.errors import first_line

#: Label of a token that carries no loss (PyTorch's and TRL's convention).
IGNORED = -100
#: What every template renders.
BARE, BARE_ROLES = ("role", "content"), ("user", "assistant")
NO_ANSWER_LEFT = "no answer is left within train.max_length"


class UnrenderableError(ValueError):
    """A row of which the model's chat template would leave something out."""


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

    `cut` were longer than allowed; `unused` says of every other place why its row is none.
    """

    examples: tuple[Example, ...]
    places: tuple[int, ...]
    cut: int
    unused: Mapping[int, str]

    @property
    def tokens(self) -> int:
        return sum(len(example.input_ids) for example in self.examples)


def encode(tokenizer: Any, template: str, rows: pl.DataFrame, max_length: int) -> Encoded:
    """Every row of a TRAINING table through the marked chat template, cut to `max_length` tokens at its end.

    A row of which the template would leave something out (tools, calls, reasoning, a system turn) is not used.
    """
    examples: dict[int, Example] = {}
    unused: dict[int, str] = {}
    cut = 0
    for place, (messages, tools) in enumerate(rows.select("messages", "tools").iter_rows()):
        try:
            whole = _example(tokenizer, template, messages, None if tools is None else json.loads(tools))
        except UnrenderableError as error:
            unused[place] = str(error)
            continue
        cut += len(whole.input_ids) > max_length
        example = Example(whole.input_ids[:max_length], whole.labels[:max_length])
        if example.trained_tokens:
            examples[place] = example
        else:
            unused[place] = NO_ANSWER_LEFT
    return Encoded(tuple(examples.values()), tuple(examples), cut, unused)


def batches(examples: Sequence[Example], max_tokens: int) -> list[list[int]]:
    """Places of examples of like length together; at most `max_tokens` tokens, padding included, are in a batch."""
    groups: list[list[int]] = []
    for place in sorted(range(len(examples)), key=lambda place: len(examples[place].input_ids)):
        if groups and (len(groups[-1]) + 1) * len(examples[place].input_ids) <= max_tokens:
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def _example(
    tokenizer: Any, template: str, messages: Sequence[Mapping[str, Any]], tools: list[dict[str, Any]] | None
) -> Example:
    turns = plain(messages)
    weights = [turn.pop("weight", 1) for turn in turns]
    options = {"chat_template": template, "tools": tools}
    try:
        if tools or any(len(turn) > len(BARE) or turn["role"] not in BARE_ROLES for turn in turns):
            _must_hold(tokenizer.apply_chat_template(turns, tokenize=False, **options), turns, tools)
        encoded = tokenizer.apply_chat_template(
            turns, tokenize=True, return_dict=True, return_assistant_tokens_mask=True, **options
        )
    except TemplateError as error:
        raise UnrenderableError(f"the chat template refuses it: {first_line(error)}") from error
    tokens: list[int] = encoded["input_ids"]
    learnt = [bool(weight) for turn, weight in zip(turns, weights, strict=True) if turn["role"] == "assistant"]
    mask = encoded["assistant_masks"] if all(learnt) else _without_unlearnt(encoded["assistant_masks"], learnt)
    return Example(tokens, [token if ours else IGNORED for token, ours in zip(tokens, mask, strict=True)])


def _must_hold(rendered: str, turns: Sequence[Mapping[str, Any]], tools: list[dict[str, Any]] | None) -> None:
    """Raise UnrenderableError where the template leaves out what a row has."""
    for tool in tools or ():
        if str(tool.get("function", {}).get("name", "")) not in rendered:
            raise UnrenderableError("the chat template leaves out tools")
    for turn in turns:
        for call in turn.get("tool_calls", ()):
            if call["function"]["name"] not in rendered:
                raise UnrenderableError("the chat template leaves out calls of tools")
        if turn.get("reasoning_content", "").strip() not in rendered:
            raise UnrenderableError("the chat template leaves out reasoning")
        if turn["content"].strip() not in rendered:
            raise UnrenderableError(f"the chat template leaves out what the {turn['role']} says")


def _without_unlearnt(mask: Sequence[int], learnt: Sequence[bool]) -> list[int]:
    """The mask without the answers that are not learnt from; each answer is one run of marked tokens."""
    marked = np.asarray(mask, dtype=np.int8)
    starts = np.flatnonzero(np.diff(marked, prepend=0) == 1)
    if len(starts) != len(learnt):
        raise UnrenderableError("the chat template does not mark each answer by itself")
    run = np.cumsum(np.diff(marked, prepend=0) == 1) - 1
    kept = np.asarray(learnt)[np.clip(run, 0, None)]
    return (marked * kept).tolist()

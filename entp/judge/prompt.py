"""A judge's prompt: the rubric, the same for every sample, then the sample inside its fence, then the question.

What all prompts begin with is computed once, by a server's prefix cache or by our own batches. The question comes after
the sample, so that an order inside the sample is never the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from string import Template
from typing import NamedTuple

from entp.conversation import Message, context_of, response_of
from entp.judge.fence import FENCE, inside_fence
from entp.judge.persuasion import without_persuasion
from entp.text.excerpt import ends, fits, shares


class Prompt(NamedTuple):
    """The file `prompts/<version>.txt` of the `room` (a package) whose question it is."""

    room: str
    version: str


def render(prompt: Prompt, messages: Sequence[Message], max_tokens: int, hide_persuasion: bool = True) -> str:
    """The question about a conversation's last answer, from a prompt with the gaps `prompt` and `response`.

    The sample's own words are nowhere but between fence lines that they can't contain, and of those that speak to the
    judge none is shown. A sample of more than `max_tokens` (estimated) is cut.
    """
    texts = _shown(messages) if hide_persuasion else _fenced(messages)
    for_prompt, for_response = shares(*texts, max_tokens)
    return fill(prompt, prompt=ends(texts[0], for_prompt), response=ends(texts[1], for_response))


def fill(prompt: Prompt, /, **texts: str) -> str:
    """A prompt with its fence and the texts in its gaps; the texts must be fit to be shown (`excerpt`)."""
    return template(prompt).substitute(fence=FENCE, **texts)


def excerpt(text: str, max_tokens: float) -> str:
    """One text as a judge is shown it: fit for the fence, without what speaks to the judge, cut to `max_tokens`."""
    return ends(without_persuasion(inside_fence(text)), max_tokens)


def is_cut(messages: Sequence[Message], max_tokens: int) -> bool:
    """Whether `render` leaves a part of the conversation out, for want of room."""
    return not fits("".join(_shown(messages)), max_tokens)


def is_hidden(messages: Sequence[Message]) -> bool:
    """Whether `render` hides a sentence, because it speaks to the judge."""
    return any(without_persuasion(text) != text for text in _fenced(messages))


@cache
def template(prompt: Prompt) -> Template:
    """A prompt with gaps."""
    text = resources.files(prompt.room).joinpath("prompts", f"{prompt.version}.txt").read_text(encoding="utf-8")
    return Template(text.strip())


def _shown(messages: Sequence[Message]) -> tuple[str, str]:
    prompt, response = _fenced(messages)
    return without_persuasion(prompt), without_persuasion(response)


def _fenced(messages: Sequence[Message]) -> tuple[str, str]:
    return inside_fence(context_of(messages)), inside_fence(response_of(messages))

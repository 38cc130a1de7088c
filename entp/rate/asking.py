"""A judge's prompt: the rubric, the same for every sample, then the sample inside its fence, then the question.

What all prompts begin with is computed once, by a server's prefix cache or by our own batches. The question comes after
the sample, so that an order inside the sample is never the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from string import Template

from entp.rate.excerpt import ends, fits, shares
from entp.rate.fence import FENCE, inside_fence
from entp.rate.persuasion import without_persuasion
from entp.records import Message, prompt_of, response_of


def render(version: str, messages: Sequence[Message], max_tokens: int, room: str = "entp.rate") -> str:
    """The prompt of that version, from the folder `prompts` of a package.

    The sample's own words are nowhere but between fence lines that they can't contain. A sample of more than
    `max_tokens` (estimated) is cut.
    """
    prompt, response = _texts(messages)
    for_prompt, for_response = shares(prompt, response, max_tokens)
    shown = {"prompt": ends(prompt, for_prompt), "response": ends(response, for_response)}
    return template(version, room).substitute(fence=FENCE, **shown)


def is_cut(messages: Sequence[Message], max_tokens: int) -> bool:
    """Whether `render` leaves a part of the conversation out, for want of room."""
    return not fits("".join(_texts(messages)), max_tokens)


def is_hidden(messages: Sequence[Message]) -> bool:
    """Whether `render` hides a sentence, because it speaks to the judge."""
    return any(without_persuasion(text) != text for text in _fenced(messages))


def _texts(messages: Sequence[Message]) -> tuple[str, str]:
    prompt, response = _fenced(messages)
    return without_persuasion(prompt), without_persuasion(response)


def _fenced(messages: Sequence[Message]) -> tuple[str, str]:
    return inside_fence(prompt_of(list(messages))), inside_fence(response_of(list(messages)))


@cache
def template(version: str, room: str) -> Template:
    """A prompt with gaps."""
    text = resources.files(room).joinpath("prompts", f"{version}.txt").read_text(encoding="utf-8")
    return Template(text.strip())

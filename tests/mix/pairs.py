"""A small pair and a scripted model for the tests of `mix`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from entp import params
from entp.config import AuditConfig, Config, LLMConfig, LossConfig, Section
from entp.conversation import Message
from entp.llm.client import Choose, Generate, LogLikelihood, Reply, Request
from entp.llm.session import open_session
from entp.mix.fuse import Fusion, fuse
from entp.mix.work import Pair, Parent
from entp.text.key_terms import count_documents
from tests.fake_backend import FakeBackend

MERGED = "Name three citrus fruits with vitamins, then describe a sandy beach at sunset."
ANSWER = "Oranges, lemons and limes are citrus fruits rich in vitamins. At sunset the sandy beach glows in red light."


def parent(name: str, prompt: str, response: str) -> Parent:
    messages = [Message(role="user", content=prompt), Message(role="assistant", content=response)]
    return Parent(name, messages, prompt, response, "en")


FRUITS = parent("fruits", "Name three citrus fruits with vitamins.", "Oranges, lemons, limes.")
BEACH = parent("beach", "Describe a sandy beach at sunset.", "The sandy beach glows at sunset.")


class Script:
    """A model by operator: `merges` and `answers` in order (the last one again and again), ratings by text."""

    def __init__(self, merges: list[str], answers: list[str], **more: Any) -> None:
        self.merges, self.answers = list(merges), list(answers)
        self.rewrite = more.get("rewrite", "Which three citrus fruits hold many vitamins?")
        self.value: Callable[[str], float] = more.get("value", lambda _: 3.0)
        self.change: Callable[[str, Reply], Reply] = more.get("change", lambda _, reply: reply)

    def __call__(self, request: Request) -> Reply:
        prompt = request.messages[-1]["content"] if request.messages else ""
        operator = operator_of(prompt)
        return self.change(operator, replace(self._reply(operator, prompt, request), tokens_in=10, tokens_out=5))

    def _reply(self, operator: str, prompt: str, request: Request) -> Reply:
        if isinstance(request, Choose) and operator == "RATE":
            value = self.value(prompt)
            return Reply("ok", probabilities=_digits(value), answer_mass=1.0)
        if isinstance(request, LogLikelihood):
            words = len(request.continuation.split())
            return Reply("ok", logprob=-4.0 * words if request.messages else -5.0 * words, tokens_scored=words)
        if isinstance(request, Choose):
            return Reply("ok", probabilities={"Yes": 0.9, "No": 0.1}, answer_mass=1.0)
        texts = {"DA": ["It is so."], "MCG": self.merges, "answer": self.answers, "REWRITE": [self.rewrite]}[operator]
        return Reply("ok", text=texts.pop(0) if len(texts) > 1 else texts[0])


def operator_of(prompt: str) -> str:
    """Which operator wrote a prompt, by words of its template; what is none of them is the rater's."""
    marks = {
        "Does the instruction ask": "ICD",
        "Does the answer do": "FAC",
        "Answer in at most three short sentences.": "DA",
        "Write this task again": "REWRITE",
        "<task_1>": "MCG",
        "<note_1>": "answer",
    }
    return next((operator for mark, operator in marks.items() if mark in prompt), "RATE")


def _digits(value: float) -> dict[str, float]:
    """A distribution over 0..5 whose mean is `value`."""
    low = min(int(value), 4)
    return {str(digit): {low: 1 - (value - low), low + 1: value - low}.get(digit, 0.0) for digit in range(6)}


def fuse_one(
    script: Callable[[Request], Reply],
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    parents: tuple[Parent, Parent] = (FRUITS, BEACH),
    **mix: Any,
) -> tuple[Fusion, dict[str, Any], list[Request]]:
    """Fuse one pair with the scripted model: the outcome, its trace, and the requests."""
    backend = FakeBackend(script)
    monkeypatch.setattr("entp.llm.session.open_backend", lambda _: backend)
    config = with_mix(**mix)
    corpus = count_documents(text for one in parents for text in (one.prompt, one.response))
    with open_session(config.llm, folder, purpose="mix") as session:
        fusion = asyncio.run(fuse(session, Pair("pair", parents), corpus, config, "fake"))
    return fusion, json.loads(fusion.trace), backend.seen


def with_mix(**mix: Any) -> Config:
    """The default configuration with these `mix` settings (others go to `llm`, `loss` and `audit`)."""
    overrides = [f"{_section(name)}.{name}={json.dumps(value)}" for name, value in mix.items()]
    return params.load(None, overrides)


def _section(name: str) -> str:
    sections: dict[str, type[Section]] = {"loss": LossConfig, "llm": LLMConfig, "audit": AuditConfig}
    return next((section for section, model in sections.items() if name in model.model_fields), "mix")


def prompts_of(seen: list[Request], operator: str) -> list[str]:
    """The prompts that an operator sent, in order."""
    prompts = [request.messages[-1]["content"] for request in seen if isinstance(request, Generate | Choose)]
    return [prompt for prompt in prompts if operator_of(prompt) == operator]

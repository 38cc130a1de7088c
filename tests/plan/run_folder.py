"""A run folder up to `pair`, and a scripted model whose work depends on a pair's texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from entp import loop
from entp.audit.audit import Audit
from entp.config import Config
from entp.llm.client import Reply, Request
from entp.mix.audited import Audited
from entp.stages import stage_named
from tests.datasets import publish_pairs, sample
from tests.fake_backend import FakeBackend
from tests.mix.pairs import ANSWER, BEACH, FRUITS, MERGED, Script, with_mix

COUNT = 30


def publish_run(run: Path, count: int = COUNT) -> Path:
    """Pairs of the same two kinds of parents, whose answers are of seven lengths."""
    rows = [
        sample(parent.prompt, f"{parent.response * (1 + n % 7)} Number {n}.", row=n)
        for n in range(count)
        for parent in (FRUITS, BEACH)
    ]
    return publish_pairs(run, rows)


def settings(**mix: Any) -> Config:
    """Nine requests for every pair: no second tries, and nothing is turned down."""
    return with_mix(instruction_tries=1, answer_tries=1, accept_loss=9, **mix)


def mix(run: Path, **more: Any) -> Mapping[str, float]:
    """Run the stage `mix` in a run folder; returns its metrics."""
    stage = stage_named("mix")
    return loop.run_stage(stage, settings(**more), loop.stage_inputs(stage, run, []), run).summary.metrics


def answer(request: Request) -> Reply:
    """A good fusion of every pair; prompts cost by their length."""
    reply = Script([MERGED], [ANSWER])(request)
    return replace(reply, tokens_in=sum(len(turn["content"]) for turn in request.messages) // 4)


def use(monkeypatch: pytest.MonkeyPatch, backend: FakeBackend) -> FakeBackend:
    """The scripted model, without the audit, which would turn down samples that are all the same."""
    monkeypatch.setattr("entp.llm.session.open_backend", lambda _: backend)
    monkeypatch.setattr("entp.mix.stage.audited", lambda _, fusions, *__: Audited(fusions, Audit([], []), ()))
    return backend

"""What the audit does to the stage: samples turned down are rejected with a reason, too many of them fail it."""

from __future__ import annotations

import json

import pytest

from entp import store
from entp.errors import DataError
from entp.llm.client import Generate, LogLikelihood, Reply
from entp.mix import stage
from entp.params import changed
from tests.datasets import publish_pairs, sample
from tests.fake_backend import FakeBackend
from tests.mix.pairs import Script, operator_of, with_mix

#: Subjects of six pairs that have nothing in common.
SUBJECTS = [
    ("saffron harvest", "threads dried above embers in autumn villages"),
    ("glacier melting", "crevasses widen while rivers swell beneath summer sun"),
    ("violin tuning", "pegs turn slowly until fifths ring pure and steady"),
    ("desert camels", "humps store fat for caravans that cross burning dunes"),
    ("bread baking", "sourdough rises overnight before hot stone crisps crust"),
    ("chess openings", "pawns claim central squares so bishops develop early"),
]


@pytest.fixture
def inputs(tmp_path):
    rows = [
        sample(f"{verb} {subject} with one example.", f"{told.capitalize()}, number {place}.", row=place)
        for subject, told in SUBJECTS
        for place, verb in enumerate(("Explain", "Describe"))
    ]
    publish_pairs(tmp_path, rows)
    return {name: tmp_path / name for name in ("purge", "curate", "pair")}


class Author(Script):
    """Fuses each pair into a sample of its own; `spoil` changes the answer about a subject."""

    def __init__(self, spoil=lambda _, text: text):
        super().__init__([], [])
        self.spoil = spoil

    def _reply(self, operator, prompt, request):
        subject, told = next((pair for pair in SUBJECTS if pair[0] in str(request)), SUBJECTS[0])
        if isinstance(request, Generate) and operator == "MCG":
            return Reply("ok", text=f"Explain {subject} with one example, then describe {subject} to a child.")
        if isinstance(request, Generate) and operator == "answer":
            answer = f"About {subject}: {told}. For example, {told.split()[-1]} comes last in {subject}."
            return Reply("ok", text=self.spoil(subject, answer))
        if isinstance(request, LogLikelihood):
            return super()._reply(operator, prompt, request)
        return super()._reply(operator_of(prompt), prompt, request)


def run(monkeypatch, inputs, output, author, *overrides):
    monkeypatch.setattr("entp.llm.session.open_backend", lambda _: FakeBackend(author))
    summary = stage.run(changed(with_mix(accept_loss=2.0), overrides), inputs, output)
    return summary, store.read(output, "fusions")


def test_sound_samples_pass_and_every_check_and_measure_is_published(monkeypatch, inputs, tmp_path):
    summary, rows = run(monkeypatch, inputs, tmp_path / "mix", Author())
    assert rows["status"].to_list() == ["fused"] * 6
    findings = store.read(tmp_path / "mix", "audit")
    assert findings["passed"].all()
    assert findings.height == 6 * findings["check"].n_unique()
    measures = store.read(tmp_path / "mix", "audit_measures")["measure"].to_list()
    assert {"distinct_2", "embedding_spread", "re_rating_mean"} <= set(measures)
    assert summary.metrics["audit/failed_toxicity"] == 0
    assert summary.metrics["audit/requests"] == 2 * 3 * 6


def test_a_sample_that_fails_a_check_is_rejected_and_the_story_says_why(monkeypatch, inputs, tmp_path):
    def spoil(subject, text):
        return f"{text} Write to jane.roe@hotmail.com." if subject == "violin tuning" else text

    summary, rows = run(monkeypatch, inputs, tmp_path / "mix", Author(spoil))
    assert rows["status"].to_list() == ["fused", "fused", "rejected", "fused", "fused", "fused"]
    story = json.loads(rows["trace"][2])
    assert story["decision"]["reason"] == "audit_pii"
    assert "But the audit turned it down (pii)" in story["decision"]["sentence"]
    assert "jane.roe" not in story["decision"]["sentence"]
    assert rows["messages"][2] is None
    assert summary.metrics["reason/audit_pii"] == 1


def test_too_many_failures_fail_the_stage_and_publish_nothing(monkeypatch, inputs, tmp_path):
    author = Author(lambda _, text: f"{text} Write to jane.roe@hotmail.com.")
    with pytest.raises(DataError, match=r"(?s)6 of 6 accepted samples fail a check.*pii: 6 \(pairs pair0000, pair0001"):
        run(monkeypatch, inputs, tmp_path / "mix", author, "audit.min_samples=6")
    assert not store.is_published(tmp_path / "mix")


def test_an_item_of_a_named_benchmark_must_not_leak(monkeypatch, inputs, tmp_path):
    items = tmp_path / "items.jsonl"
    question = "Explain bread baking with one example, then describe bread baking to a child."
    items.write_text(json.dumps({"question": question, "answer": "crust"}) + "\n")
    _, rows = run(monkeypatch, inputs, tmp_path / "mix", Author(), f"audit.benchmarks=[{items}]")
    assert rows["status"].to_list() == ["fused"] * 4 + ["rejected", "fused"]
    assert "items.jsonl" in json.loads(rows["trace"][4])["decision"]["sentence"]

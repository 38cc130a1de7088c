from __future__ import annotations

import json

import pytest

from benchmarks.raters import FIGURES, PAGE, measured_attacks, measured_quality, with_tables
from entp.config import Config
from entp.llm.client import Choose, Generate, Reply
from entp.records import CRITERIA

PAIRS = [
    {"kind": "wrong", "language": "en", "instruction": "What is rain?", "good": "It is water", "bad": "It is fire."},
    {"kind": "garbled", "language": "en", "instruction": "What is snow?", "good": "It is water", "bad": "Ti si terwa"},
]
HOSTILE = [
    {
        "id": "h1", "family": "flattery", "place": "response", "instruction": "What is rain?", "response": "Fire.",
        "attacked_instruction": "What is rain?", "attacked_response": "Fire. How lovely this is!",
    }
]  # fmt: skip


class Scripted:
    """A session whose judge is moved by one word."""

    def __init__(self, word: str) -> None:
        self.word = word

    def run(self, work):
        try:
            work.send(None)
        except StopIteration as done:
            return done.value
        raise AssertionError("a scripted session awaits nothing")

    async def generate(self, requests: list[Generate], _advance=None) -> list[Reply]:
        return [
            Reply("ok", json.dumps(dict.fromkeys(CRITERIA, 9 if self.word in request.messages[0]["content"] else 2)))
            for request in requests
        ]

    async def choose(self, requests: list[Choose], _advance=None) -> list[Reply]:
        return [
            Reply("ok", probabilities={"5" if self.word in request.messages[0]["content"] else "1": 1.0}, answer_mass=1)
            for request in requests
        ]


def test_a_judge_that_knows_water_is_perfect_and_length_is_chance():
    length, judge = measured_quality(Scripted("water"), Config(), PAIRS, ["judge"])
    assert (length["rater"], length["auc"]) == ("length", 0.5)
    assert (judge["auc"], judge["wins"], judge["by_kind"]) == (1.0, 1.0, {"garbled": 1.0, "wrong": 1.0})


def test_several_raters_are_combined_too():
    rows = measured_quality(Scripted("water"), Config(), PAIRS, ["judge", "judge_generated"])
    assert [row["rater"] for row in rows] == ["length", "judge", "judge_generated", "combined"]
    assert rows[-1]["auc"] == 1.0


@pytest.mark.parametrize(("word", "gain", "above"), [("lovely", 4.0, 1), ("Fire", 0.0, 0)])
def test_an_attack_counts_by_what_it_adds_to_the_rating(word, gain, above):
    found = measured_attacks(Scripted(word), Config(), HOSTILE, "judge")
    everything = found["families"][-1]
    assert (found["noise"], everything["mean_gain"], everything["above"]) == (0.0, gain, above)


def test_the_page_shows_the_figures_that_were_measured():
    page = PAGE.read_text()
    if not FIGURES.is_file():
        pytest.skip("nothing was measured yet: python -m benchmarks.raters")
    assert with_tables(page, json.loads(FIGURES.read_text())) == page

from __future__ import annotations

import math

import pytest

from entp.judge.answers import MIN_ANSWER_MASS, is_answer, log_odds, moments, probability_of_yes
from entp.llm.client import Reply


def says(yes: float, mass: float = 0.9) -> Reply:
    return Reply("ok", probabilities={"Yes": yes, "No": 1 - yes}, answer_mass=mass)


def test_a_reply_is_an_answer_from_the_least_mass_on():
    assert is_answer(says(0.5, MIN_ANSWER_MASS))
    assert not is_answer(says(0.5, MIN_ANSWER_MASS / 2))


@pytest.mark.parametrize("status", ["failed", "timed_out", "refused", "truncated"])
def test_a_reply_that_did_not_come_is_no_answer_whatever_it_holds(status):
    assert not is_answer(Reply(status, probabilities={"Yes": 1.0, "No": 0.0}, answer_mass=1.0))


def test_the_odds_of_yes():
    assert probability_of_yes(says(0.75)) == 0.75
    assert log_odds(says(0.75)) == pytest.approx(math.log(3))
    assert log_odds(says(0.25)) == pytest.approx(-math.log(3))


def test_who_does_not_answer_has_no_odds():
    assert probability_of_yes(says(0.75, mass=0.0)) is None
    assert log_odds(says(0.75, mass=0.0)) is None


def test_certainty_has_finite_odds():
    assert log_odds(says(1.0)) == pytest.approx(-log_odds(says(0.0)))
    assert log_odds(says(1.0)) > 20


def test_moments_are_mean_and_standard_deviation():
    assert moments({"2": 0.5, "4": 0.5}) == (3.0, 1.0)
    assert moments({"4": 1.0, "0": 0.0}) == (4.0, 0.0)

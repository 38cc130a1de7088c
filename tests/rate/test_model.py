from __future__ import annotations

import asyncio

import pytest

from entp.config import Config
from entp.llm.session import open_session
from entp.rate.raters import RATERS, rate_raw
from entp.records import CRITERIA
from tests.rate.conversations import conversation, pairs

pytestmark = pytest.mark.model
GARBLED = pairs("garbled")[:6]


@pytest.fixture(scope="module")
def ratings(tmp_path_factory):
    """Raw ratings of clean answers and of the same answers garbled, by rater, from the embedded model."""
    texts = [conversation(row["instruction"], row[side]) for side in ("good", "bad") for row in GARBLED]
    config = Config()
    with open_session(config.llm, tmp_path_factory.mktemp("cache"), purpose="rate") as session:
        return {rater: asyncio.run(rate_raw(rater, session, texts, config.rate)) for rater in RATERS}


def test_the_likelihood_of_clean_text_is_above_that_of_garbled_text(ratings):
    values = [rating.value for rating in ratings["likelihood"]]
    clean, garbled = values[: len(GARBLED)], values[len(GARBLED) :]
    assert sum(one > other for one in clean for other in garbled) >= 0.8 * len(GARBLED) ** 2


def test_the_judge_answers_with_digits_and_a_spread(ratings):
    rated = [rating for rating in ratings["judge"] if rating.status == "rated"]
    assert len(rated) >= len(GARBLED)
    assert all(0 < rating.value < 5 and 0 < rating.spread < 2.6 for rating in rated)


def test_the_judge_that_writes_gives_every_criterion_for_every_sample(ratings):
    written = ratings["judge_generated"]
    assert {rating.status for rating in written} == {"rated"}
    assert all(tuple(rating.criteria) == CRITERIA for rating in written)

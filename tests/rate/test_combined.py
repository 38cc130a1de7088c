from __future__ import annotations

import polars as pl
import pytest

from entp.rate.combined import combine
from entp.records import RATINGS

IDS = [f"id{place}" for place in range(6)]
SAMPLES = pl.DataFrame({"id": IDS, "language": ["en"] * 6})


def rows(rater: str, expected: list[float | None], status: str = "failed") -> pl.DataFrame:
    table = [
        {"id": name, "rater": rater, "status": "rated" if value is not None else status, "expected": value}
        for name, value in zip(IDS, expected, strict=True)
    ]
    return pl.DataFrame(table, schema=RATINGS)


def test_the_places_of_the_raters_count_not_their_units():
    wide = rows("likelihood", [0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    narrow = rows("judge", [2.01, 2.00, 2.03, 2.02, 2.05, 2.04])
    combined = combine([wide, narrow], SAMPLES)
    assert combined.schema == RATINGS
    assert combined["score"].to_list() == [1, 1, 3, 3, 5, 5]
    assert combined["rater"].to_list() == ["combined"] * 6


def test_the_spread_is_how_far_the_raters_are_apart():
    up, down = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]
    assert combine([rows("a", up), rows("b", up)], SAMPLES)["spread"].to_list() == [0.0] * 6
    apart = combine([rows("a", up), rows("b", down)], SAMPLES)["spread"].to_list()
    assert apart[0] == pytest.approx(5 * (11 / 12 - 1 / 12) / 2)
    assert apart[0] > apart[2]


def test_a_sample_that_one_rater_could_not_rate_gets_no_score():
    whole = rows("a", [0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    holed = rows("b", [0.0, None, 2.0, 3.0, 4.0, 5.0], status="timed_out")
    second = combine([whole, holed], SAMPLES).row(1, named=True)
    assert second == {
        "id": "id1", "rater": "combined", "status": "timed_out", "score": None, "expected": None, "spread": None
    }  # fmt: skip

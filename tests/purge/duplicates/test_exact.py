"""What counts as the same."""

from __future__ import annotations

from typing import Any

import polars as pl

from entp.purge.duplicates.exact import exact_duplicates, exact_keys
from tests.datasets import sample
from tests.purge.pool import frame


def exact(*rows: dict[str, Any]) -> pl.DataFrame:
    samples = frame(*rows)
    lengths = [len(row["messages"][-1]["content"]) for row in rows]
    return exact_duplicates(pl.DataFrame({"id": samples["id"], "key": exact_keys(samples), "length": lengths}))


def test_case_white_space_and_width_do_not_make_a_difference():
    rows = [sample("Name a city.", "Paris"), sample("name  a city. ", " PARIS\n"), sample("Name a city．", "Ｐaris")]
    assert exact(*rows).height == 2


def test_words_and_marks_make_a_difference():
    rows = [sample("5 + 3", "8"), sample("5 - 3", "8"), sample("5 + 3", "9"), sample("5 +\n3!", "8")]
    assert exact(*rows).is_empty()


def test_turns_are_not_confused_with_their_contents():
    assert exact(sample("a b", "c"), sample("a", "b c")).is_empty()


def test_the_longest_response_survives_else_the_smallest_id():
    short, long = sample("Write.", "It is so."), sample("Write.", "It  is so. ")
    assert exact(short, long).select("id", "survivor", "jaccard").rows() == [(short["id"], long["id"], 1.0)]
    twins = sorted(sample(prompt, "It is so.")["id"] for prompt in ("Write.", "write."))
    assert exact(short, sample("write.", "It is so.")).select("id", "survivor").rows() == [(twins[1], twins[0])]

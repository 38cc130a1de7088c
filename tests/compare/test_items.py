"""The items that a model's headline scores are means of."""

from __future__ import annotations

import polars as pl
import pytest

from entp.compare.items import ITEMS, RESULTS, as_results, headline_items
from entp.errors import DataError
from entp.records import EVALUATION_ITEMS, EVALUATION_SCORES


def scores(*metrics: str, lower: str = "") -> pl.DataFrame:
    """The figures of the task `quiz`, the headline first."""
    rows = [
        {"model": "after", "task": "quiz", "metric": metric, "value": 0.5, "stderr": 0.1, "items": 2}
        | {"headline": metric == metrics[0], "higher_is_better": metric != lower}
        for metric in metrics
    ]
    return pl.DataFrame(rows, schema=EVALUATION_SCORES)


def items(*rows: tuple[str, str, str, float]) -> pl.DataFrame:
    """Values of the task `quiz`: subtask, item, metric, value."""
    return pl.DataFrame([("after", "quiz", *row) for row in rows], schema=EVALUATION_ITEMS, orient="row")


def test_only_the_headline_metric_counts_and_an_item_is_named_with_its_subtask():
    values = items(
        ("sums", "0-a", "acc", 1.0), ("sums", "0-a", "chars", 9.0), ("facts", "0-a", "acc", 0.0),
    )  # fmt: skip
    asked = headline_items(scores("acc", "chars"), values)
    assert asked.rows() == [("quiz", "sums/0-a", "acc", 1.0, True), ("quiz", "facts/0-a", "acc", 0.0, True)]
    assert asked.schema == ITEMS


def test_an_item_says_whether_less_is_better():
    asked = headline_items(scores("loss", lower="loss"), items(("quiz", "0-a", "loss", 2.0)))
    assert asked["higher"].to_list() == [False]


def test_a_headline_metric_that_is_no_mean_over_items_is_refused():
    with pytest.raises(DataError, match="the headline metric of quiz is no mean over items"):
        headline_items(scores("f1", "acc"), items(("quiz", "0-a", "acc", 1.0)))


def test_results_say_which_cell_the_items_are_of():
    asked = headline_items(scores("acc"), items(("quiz", "0-a", "acc", 1.0)))
    results = as_results(asked, "entp", 3)
    assert results.schema == RESULTS
    assert results.rows() == [("entp", 3, "quiz", "quiz/0-a", "acc", 1.0, True)]

"""Methods side by side: values, directions, and the table in Markdown."""

from __future__ import annotations

import polars as pl
import pytest

from entp.compare.methods import reference_of
from entp.compare.table import as_markdown, compare
from entp.errors import DataError
from tests.compare.results import results


def test_a_lead_is_positive_where_less_is_better_and_the_method_has_less():
    losses = pl.concat(
        [
            results(method, 1, values, metric="loss", higher=False)
            for method, values in (("ours", [1, 2]), ("random", [3, 3]))
        ]
    )
    ours, random = compare(losses, "random")
    assert (ours.score.value, ours.lead and ours.lead.value) == (1.5, 1.5)
    assert random.lead is None


def test_methods_that_were_asked_different_items_are_refused():
    with pytest.raises(DataError, match="not asked the same items of quiz"):
        compare(pl.concat([results("ours", 1, [1, 0]), results("random", 1, [1])]), "random")


def test_in_markdown_a_score_and_a_lead_have_their_intervals():
    cells = [results("entp", 1, [1, 1, 0, 1]), results("entp", 2, [1, 1, 1, 1]), results("random", 1, [0, 0, 0, 1])]
    entp, random = compare(pl.concat(cells), "random")
    assert entp.lead is not None
    head, _, first, second = as_markdown([entp, random], "random").splitlines()
    assert head == "| method | seeds | quiz (acc) | lead over random |"
    score = f"0.8750 ({entp.score.low:.4f} .. {entp.score.high:.4f})"
    lead = f"+0.6250 ({entp.lead.low:+.4f} .. {entp.lead.high:+.4f})"
    assert first == f"| entp | 2 | {score} | {lead} |"
    assert second.endswith(" |  |")


def test_in_markdown_what_has_no_interval_has_none_and_a_task_not_asked_is_a_dash():
    cells = [results("entp", 1, [1]), results("entp", 1, [0.5], task="sums"), results("chance", 1, [0])]
    _, _, entp, chance = as_markdown(compare(pl.concat(cells), "entp"), "entp").splitlines()
    assert entp == "| entp | 1 | 1.0000 |  | 0.5000 |  |"
    assert chance == "| chance | 1 | 0.0000 | -1.0000 | - | - |"


def test_the_reference_is_random_where_it_takes_part_else_the_first():
    assert reference_of(["entp", "random", "ds2"]) == "random"
    assert reference_of(["entp", "ds2"]) == "entp"

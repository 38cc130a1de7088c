"""What the harness returns, as rows."""

from __future__ import annotations

import math

import pytest

from entp.evaluate.rows import TaskFacts, item_rows, outcome_of, score_rows, standard_error
from entp.evaluate.scoring import byte_probability

ACC = TaskFacts("quiz", ("acc", "acc_norm"), frozenset({"acc", "acc_norm"}), frozenset())


def sample(place: int, **values: float) -> dict[str, object]:
    return {"doc_id": place, "doc_hash": f"{place:064x}", "filter": "none", "metrics": list(values), **values}


def test_the_first_metric_of_the_task_file_is_the_headline():
    result = {"acc_norm,none": 0.5, "acc,none": 0.25, "acc_stderr,none": 0.1, "sample_len": 4, "alias": "quiz"}
    first, second = score_rows("quiz", {"quiz": ACC}, {"quiz": result}, [])
    assert (first["metric"], first["value"], first["stderr"], first["headline"], first["items"]) == (
        "acc",
        0.25,
        0.1,
        True,
        4,
    )
    assert (second["metric"], second["headline"], second["stderr"]) == ("acc_norm", False, None)


def test_items_are_named_by_place_and_content_in_the_order_of_the_documents():
    rows = item_rows("quiz", ACC, [sample(1, acc=1.0), sample(0, acc=0.0)])
    assert [(row["item"], row["value"]) for row in rows] == [("0-000000000000", 0.0), ("1-000000000000", 1.0)]


def test_a_metric_that_is_no_mean_of_its_items_has_no_item_rows():
    facts = TaskFacts("quiz", ("perplexity", "f1"), frozenset({"f1"}), frozenset({"perplexity"}))
    assert item_rows("quiz", facts, [sample(0, perplexity=-3.0)]) == []
    assert item_rows("quiz", facts, [{**sample(0), "metrics": ["f1"], "f1": (1, 0)}]) == []


def test_a_metric_with_a_named_filter_keeps_the_filter_in_its_name():
    facts = TaskFacts("sums", ("exact_match",), frozenset({"exact_match"}), frozenset())
    result = {"exact_match,strict": 0.5, "exact_match_stderr,strict": "N/A", "sample_len": 2}
    (row,) = score_rows("sums", {"sums": facts}, {"sums": result}, [])
    assert (row["metric"], row["stderr"], row["higher_is_better"]) == ("exact_match,strict", None, True)


def test_less_perplexity_is_better():
    facts = TaskFacts("text", ("perplexity",), frozenset(), frozenset({"perplexity"}))
    (row,) = score_rows("text", {"text": facts}, {"text": {"perplexity,none": 9.0, "sample_len": 2}}, [])
    assert row["higher_is_better"] is False


def test_a_group_without_a_figure_of_its_own_gets_the_mean_over_its_items():
    facts = {name: TaskFacts("all", ("acc",), frozenset({"acc"}), frozenset()) for name in ("one", "two")}
    leaf = {"acc,none": 0.5, "sample_len": 2}
    samples = {"one": [sample(0, acc=1.0), sample(1, acc=1.0)], "two": [sample(0, acc=1.0), sample(1, acc=0.0)]}
    outcome = outcome_of({"results": {"one": leaf, "two": leaf}, "samples": samples}, facts)
    (score,) = outcome.scores
    assert (score["task"], score["value"], score["stderr"], score["items"]) == ("all", 0.75, 0.25, 4)
    assert {row["subtask"] for row in outcome.items} == {"one", "two"}


def test_one_value_has_no_standard_error():
    assert standard_error([1.0]) is None
    assert standard_error([0.0, 1.0]) == 0.5


def test_byte_probability_is_the_geometric_mean_over_bytes():
    assert byte_probability({"reply": "abcd"}, [(4 * math.log(0.5), False)]) == pytest.approx({"byte_probability": 0.5})
    assert byte_probability({"reply": "水"}, [(3 * math.log(0.5), False)]) == pytest.approx({"byte_probability": 0.5})

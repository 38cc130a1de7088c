"""Which rows make up the set, and in what numbers."""

from __future__ import annotations

import polars as pl
import pytest

from entp.assemble.blend import (
    CANDIDATES,
    blend_sizes,
    by_source_shares,
    fusion_candidates,
    hq_candidates,
    rows_per_source,
    without_repeats,
)
from entp.config import AssembleConfig
from entp.errors import UsageError
from entp.records import FUSIONS, PAIRS, SAMPLES, SCORES, WEIGHTS
from tests.assemble.pool import fusion, score
from tests.datasets import pair, sample


def test_enough_fusions_are_matched_by_hq_samples_in_the_share_asked_for():
    assert blend_sizes(100, 500, AssembleConfig(hq_share=0.5, fill_rows=60)) == (100, 100)
    assert blend_sizes(100, 500, AssembleConfig(hq_share=0.2, fill_rows=60)) == (100, 25)


def test_few_fusions_are_filled_up_with_hq_samples():
    assert blend_sizes(2, 500, AssembleConfig(hq_share=0.5, fill_rows=60)) == (2, 58)
    assert blend_sizes(0, 500, AssembleConfig(hq_share=0.5, fill_rows=60)) == (0, 60)


def test_without_filling_the_share_is_strict():
    assert blend_sizes(2, 500, AssembleConfig(hq_share=0.5, fill_rows=0)) == (2, 2)


def test_a_share_of_zero_means_fusions_alone():
    assert blend_sizes(2, 500, AssembleConfig(hq_share=0, fill_rows=60)) == (2, 0)


def test_fusions_are_kept_where_hq_samples_are_short():
    assert blend_sizes(100, 3, AssembleConfig(hq_share=0.5)) == (100, 3)


@pytest.mark.parametrize(("fusions", "hq"), [(500, 500), (500, 5), (3, 500), (0, 500), (500, 0)])
def test_a_budget_of_rows_is_used_up_and_never_passed(fusions: int, hq: int):
    taken = blend_sizes(fusions, hq, AssembleConfig(hq_share=0.5, fill_rows=60, max_rows=40))
    assert sum(taken) == 40


def test_a_budget_keeps_the_share():
    assert blend_sizes(500, 500, AssembleConfig(hq_share=0.25, max_rows=40)) == (30, 10)


def hq_of(**counts: int) -> pl.DataFrame:
    rows = [
        {"id": f"{source}{number}", "source": source} for source, count in counts.items() for number in range(count)
    ]
    return pl.DataFrame(rows, schema={"id": pl.String, "source": pl.String})


def test_any_number_of_hq_samples_has_the_shares_of_the_sources():
    ordered = by_source_shares(hq_of(forum=90, manual=10, code=50), {"forum": 1, "manual": 1, "code": 2})
    assert ordered.height == 150
    for rows, expected in ((4, [2, 1, 1]), (8, [4, 2, 2]), (20, [10, 5, 5]), (40, [20, 10, 10])):
        found = ordered.head(rows)["source"].value_counts().sort("source")
        assert found["count"].to_list() == expected


def test_the_best_of_a_source_still_come_first():
    ordered = by_source_shares(hq_of(forum=9, manual=9), {"forum": 2, "manual": 1})
    for source in ("forum", "manual"):
        assert ordered.filter(source=source)["id"].to_list() == [f"{source}{number}" for number in range(9)]


def test_a_source_that_runs_out_leaves_its_room():
    ordered = by_source_shares(hq_of(forum=20, manual=2), {"forum": 1, "manual": 9})
    assert ordered.head(2)["source"].to_list() == ["manual", "manual"]
    assert ordered.height == 22


def test_a_share_of_0_leaves_a_source_out():
    assert by_source_shares(hq_of(forum=3, manual=2), {"forum": 1, "manual": 0})["source"].unique().to_list() == [
        "forum"
    ]


def test_without_shares_the_order_stays():
    hq = hq_of(forum=3, manual=2)
    assert by_source_shares(hq, {}).equals(hq)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"forum": 1, "manual": 1, "wiki": 1}, "'wiki': no HQ sample is of that source; the sources are forum, manual"),
        ({"forum": 1}, r"'manual': it has HQ samples, but no share \(0 leaves it out\)"),
        ({"forum": 1, "manual": -1}, "numbers of 0 or more"),
    ],
)
def test_shares_that_do_not_fit_the_pool_are_refused(shares: dict[str, float], message: str):
    with pytest.raises(UsageError, match=message):
        by_source_shares(hq_of(forum=3, manual=2), shares)


def test_hq_samples_come_by_score_then_confidence_then_seeded_chance():
    rows = [sample(f"{number}?", "Yes.") for number in range(6)]
    ranks = [(5, 0.9), (5, 0.3), (4, 0.9), (4, 0.5), (4, 0.5), (4, 0.5)]
    scores = [score(row, "HQ", *rank) for row, rank in zip(rows, ranks, strict=True)]
    orders = [
        hq_candidates(pl.DataFrame(scores, schema=SCORES), pl.DataFrame(rows, schema=SAMPLES), seed)["id"].to_list()
        for seed in range(8)
    ]
    assert all(order[:3] == [row["id"] for row in rows[:3]] for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_a_sample_of_little_weight_mostly_waits_behind_the_others():
    rows = [sample(f"{number}?", "Yes.") for number in range(200)]
    scores = pl.DataFrame([score(row, "HQ", 5 if row in rows[:100] else 4) for row in rows], schema=SCORES)
    samples = pl.DataFrame(rows, schema=SAMPLES)
    common = {row["id"] for row in rows[:100]}
    weights = pl.DataFrame([{"id": row["id"], "commonness": 0.9, "weight": 0.2} for row in rows[:100]], schema=WEIGHTS)
    order = hq_candidates(scores, samples, 1, weights)["id"].to_list()
    waiting = [identifier in common for identifier in order].index(False)
    assert waiting == pytest.approx(20, abs=12)
    assert [identifier in common for identifier in order] == [True] * waiting + [False] * 100 + [True] * (100 - waiting)


def test_equal_weights_of_one_change_nothing():
    rows = [sample(f"{number}?", "Yes.") for number in range(50)]
    scores = pl.DataFrame([score(row, "HQ", 4) for row in rows], schema=SCORES)
    samples = pl.DataFrame(rows, schema=SAMPLES)
    weights = pl.DataFrame([{"id": row["id"], "commonness": 0.1, "weight": 1.0} for row in rows], schema=WEIGHTS)
    assert hq_candidates(scores, samples, 1, weights).equals(hq_candidates(scores, samples, 1))


def test_only_the_hq_tier_is_taken():
    rows = [sample("a?", "A."), sample("b?", "B.")]
    scores = [score(rows[0], "undecided", 5), score(rows[1], "HQ", 4)]
    candidates = hq_candidates(pl.DataFrame(scores, schema=SCORES), pl.DataFrame(rows, schema=SAMPLES), seed=1)
    assert candidates["id"].to_list() == [rows[1]["id"]]


def test_two_to_one_fusions_come_before_rewrites_and_lower_losses_first():
    parents = [sample(f"{number}?", "Yes.", source) for number, source in enumerate(["b", "a"] * 4)]
    pairs = [pair(f"pair{number:03d}", *parents[2 * number : 2 * number + 2]) for number in range(4)]
    fusions = [
        fusion(0, "r?", 0.0, "rewritten"),
        fusion(1, "x?", 0.3),
        fusion(2, "y?", 0.1),
        fusion(3, None),
    ]
    candidates = fusion_candidates(
        pl.DataFrame(fusions, schema=FUSIONS),
        pl.DataFrame(pairs, schema=PAIRS),
        pl.DataFrame(parents, schema=SAMPLES),
        seed=1,
    )
    assert candidates["id"].to_list() == ["pair002", "pair001", "pair000"]
    assert candidates["origin"].to_list() == ["fusion", "fusion", "rewrite"]
    assert set(candidates["source"]) == {"a + b"}
    assert candidates["parents"][0].to_list() == [parents[4]["id"], parents[5]["id"]]


def test_a_row_that_repeats_another_but_for_case_and_space_is_left_out():
    rows = [candidate("1", "Why  not?"), candidate("2", "why not?"), candidate("3", "Why?")]
    assert without_repeats(pl.DataFrame(rows, schema=CANDIDATES))["id"].to_list() == ["1", "3"]


def test_a_fusion_counts_half_for_each_parent_source():
    rows = [candidate("1", "a?", ["x", "y"]), candidate("2", "b?", ["x", "x"]), candidate("3", "c?", ["y"])]
    assert rows_per_source(pl.DataFrame(rows, schema=CANDIDATES)) == {"x": 1.5, "y": 1.5}


def candidate(identifier: str, question: str, sources: list[str] | None = None) -> dict[str, object]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": "So."}]
    return {"id": identifier, "origin": "hq", "messages": messages, "sources": sources or ["x"]}

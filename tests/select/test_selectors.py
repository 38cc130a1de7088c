"""Each selector on an example small enough to work out by hand, and what holds for all of them."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entp.errors import DataError, UsageError
from entp.records import chances
from entp.select import SELECTION, SELECTORS, cluster_complexity, selector_named
from entp.select.choices import TEMPERATURE

IDS = ["a", "b", "c", "d", "e"]


def chosen(name: str, budget: int, seed: int = 1, /, **columns: Any) -> list[str]:
    scores = pl.DataFrame({"id": IDS[: len(next(iter(columns.values())))], **columns})
    return SELECTORS[name].select(scores, budget, seed)["id"].to_list()


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("completion_length", "response_tokens"),
        ("knn", "neighbour_distance"),
        ("alpagasus", "rating"),
        ("less", "influence"),
        ("lexicon_overlap", "target_overlap"),
        ("target_cosine", "target_cosine"),
        ("lm_yes_no", "yes"),
    ],
)
def test_the_highest_are_taken(name: str, column: str):
    assert chosen(name, 2, **{column: [0.1, 0.9, 0.3, 0.8, 0.2]}) == ["b", "d"]


def test_perplexity_takes_the_middle():
    assert chosen("perplexity", 3, nll=[5.0, 1.0, 3.0, 2.0, 4.0]) == ["d", "c", "e"]


@pytest.mark.parametrize(("name", "column"), [("ifd", "ifd"), ("superfiltering", "ifd_small")])
def test_ifd_leaves_out_what_the_prompt_misleads(name: str, column: str):
    assert chosen(name, 3, **{column: [0.99, 1.0, 1.4, 0.2, 0.5]}) == ["a", "e", "d"]


def test_learning_percentage_takes_the_slowest_learnt():
    assert chosen("learning_percentage", 2, learning_percentage=[0.9, 0.2, 0.5, -0.1, 1.2]) == ["d", "b"]


def test_deita_takes_the_next_best_that_is_unlike_the_chosen():
    north, nearly, east = [1.0, 0.0], [0.99, math.sqrt(1 - 0.99**2)], [0.0, 1.0]
    found = chosen("deita", 2, complexity=[3.0, 2.0, 1.0], quality=[3.0, 3.0, 3.0], embedding=[north, nearly, east])
    assert found == ["a", "c"]


def test_deita_agrees_with_its_algorithm():
    scores = pool(150, 5).with_columns(complexity=pl.int_range(150) / 10 + 1.0, quality=pl.int_range(150) % 7 + 1.0)
    rows = sorted(scores.iter_rows(named=True), key=lambda row: -row["complexity"] * row["quality"])
    expected: list[dict[str, Any]] = []
    for row in rows:
        nearest = max((np.dot(row["embedding"], other["embedding"]) for other in expected), default=-1.0)
        if nearest < 0.9 and len(expected) < 60:
            expected.append(row)
    assert len(expected) == 60
    assert rows.index(expected[-1]) > 65
    assert set(SELECTORS["deita"].select(scores, 60, 1)["id"]) == {row["id"] for row in expected}


def test_ds2_ranks_by_score_and_then_by_rarity():
    columns = {
        "score_curated": [4, 5, 5, 3, 4],
        "rating": [5, 1, 1, 5, 2],
        "neighbour_distance": [0.3, 0.1, 0.2, 0.9, 0.4],
    }
    assert chosen("ds2", 4, **columns) == ["c", "b", "e", "a"]
    assert chosen("ds2_uncurated", 2, **columns) == ["d", "a"]


def test_tiers_are_drawn_from_and_full_takes_all():
    columns = {"tier": ["HQ", "LQ", "undecided", "HQ", "LQ"]}
    assert set(chosen("high_quality", 9, **columns)) == {"a", "d"}
    assert set(chosen("low_quality", 1, **columns)) < {"b", "e"}
    assert chosen("full", 1, **columns) == IDS
    assert chosen("vanilla", 3, **columns) == []


def test_dsir_adds_gumbel_noise_to_the_log_weights():
    importance = [0.0, 1.0, -1.0, 0.5, 2.0]
    noise = -np.log(-np.log(chances(pl.Series(IDS), 7).to_numpy()))
    expected = [IDS[place] for place in np.argsort(-(np.array(importance) + noise))[:3]]
    assert chosen("dsir", 3, 7, importance=importance) == expected


def test_dsir_draws_in_proportion_to_the_weights():
    # Of two samples, the one e^1 = 2.7 times as likely comes first in e / (e + 1) = 73 % of the draws.
    scores = pl.DataFrame({"id": ["a", "b"], "importance": [1.0, 0.0]})
    first = sum(SELECTORS["dsir"].select(scores, 1, seed)["id"][0] == "a" for seed in range(2000)) / 2000
    assert first == pytest.approx(math.e / (math.e + 1), abs=0.03)


def test_qurating_draws_by_standardised_scores_over_the_temperature():
    values = np.array([10.0, 30.0, 20.0, 50.0, 40.0])
    noise = -np.log(-np.log(chances(pl.Series(IDS), 3).to_numpy()))
    order = np.argsort(-((values - values.mean()) / values.std() / TEMPERATURE + noise))
    assert chosen("qurating", 2, 3, qurating=values.tolist()) == [IDS[place] for place in order[:2]]


def test_cluster_complexity_shares_out_by_softmax():
    # softmax([0.2, 0.1] / 0.1) = [e^2, e^1] / (e^2 + e^1)
    assert cluster_complexity.shares(np.array([0.2, 0.1])) == pytest.approx([0.7310586, 0.2689414])


@pytest.mark.parametrize(
    ("share", "sizes", "budget", "seats"),
    [
        ([0.5, 0.5], [10, 10], 4, [2, 2]),
        ([0.9, 0.1], [2, 10], 6, [2, 4]),
        ([0.5, 0.3, 0.2], [9, 9, 9], 3, [1, 1, 1]),
        ([1.0, 0.0], [2, 3], 5, [2, 3]),
    ],
)
def test_seats_add_up_and_no_cluster_gives_more_than_it_has(share: list, sizes: list, budget: int, seats: list):
    found = cluster_complexity.allocate(np.array(share), np.array(sizes), budget)
    assert found.tolist() == seats


def test_cluster_complexity_agrees_with_a_direct_computation():
    # The first cluster is wide and alone; the second is as wide, and the third narrow beside it.
    axes = np.eye(64)[[0, 1, 2]]
    axes[2] += axes[1]
    noise = np.random.default_rng(4).normal(size=(180, 64)) * np.repeat([0.1, 0.1, 0.06], 60)[:, None]
    vectors = np.repeat(axes / np.linalg.norm(axes, axis=1, keepdims=True), 60, axis=0) + noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = pl.DataFrame({"id": [f"{place:03d}" for place in range(180)], "embedding": vectors.tolist()})
    found = {int(name) for name in SELECTORS["cluster_complexity"].select(scores, 60, 1)["id"]}

    groups = [list(range(start, start + 60)) for start in (0, 60, 120)]
    means = [vectors[group].mean(axis=0) for group in groups]
    centres = [mean / np.linalg.norm(mean) for mean in means]
    far = [[1 - vectors[place] @ centre for place in group] for group, centre in zip(groups, centres, strict=True)]
    between = [np.mean([1 - one @ other for other in centres if other is not one]) for one in centres]
    complexity = [np.mean(own) * apart for own, apart in zip(far, between, strict=True)]
    seats = 60 * np.exp(np.array(complexity) / 0.1) / np.exp(np.array(complexity) / 0.1).sum()
    taken = [[place in found for place in group] for group in groups]
    assert [sum(own) for own in taken] == pytest.approx(seats, abs=1)
    assert sum(taken[0]) > sum(taken[1]) + 8 > sum(taken[2]) + 8
    for own, distances in zip(taken, far, strict=True):
        outside = [distance for distance, is_in in zip(distances, own, strict=True) if not is_in]
        assert max(outside) <= min(distance for distance, is_in in zip(distances, own, strict=True) if is_in) + 1e-6


def test_cluster_complexity_takes_the_farthest_of_each_cluster():
    generator = np.random.default_rng(0)
    narrow = np.array([1.0, 0, 0]) + generator.normal(0, 0.01, (60, 3))
    wide = np.array([0, 1.0, 0]) + generator.normal(0, 0.4, (60, 3))
    vectors = np.concatenate([narrow, wide])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = pl.DataFrame({"id": [f"{place:03d}" for place in range(120)], "embedding": vectors.tolist()})
    found = SELECTORS["cluster_complexity"].select(scores, 40, 1)["id"].to_list()
    assert len(found) == 40
    assert sum(int(name) >= 60 for name in found) > 20


def pool(rows: int, seed: int) -> pl.DataFrame:
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(rows, 4))
    columns = {name: generator.normal(size=rows).round(1) for row in SELECTORS.values() for name in row.needs}
    columns |= {
        "tier": generator.choice(["HQ", "LQ"], rows),
        "embedding": (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).tolist(),
    }
    return pl.DataFrame({"id": [f"sample-{place}" for place in range(rows)], **columns})


def with_gaps(scores: pl.DataFrame, share: float, seed: int) -> pl.DataFrame:
    """Of each signal, about this share is null, NaN or infinite."""
    generator = np.random.default_rng(seed)
    gaps = []
    for name, dtype in zip(scores.columns[1:], scores.dtypes[1:], strict=True):
        kinds = [None, math.nan, math.inf, -math.inf] if dtype.is_float() else [None]
        values = scores[name].to_list()
        ill = [kinds[generator.integers(len(kinds))] if generator.random() < share else value for value in values]
        gaps.append(pl.Series(name, ill, dtype=dtype))
    return scores.with_columns(gaps)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 5), st.sampled_from([0.0, 0.1, 0.5]))
def test_whatever_is_chosen_is_within_pool_and_budget_in_any_order_of_the_rows(
    rows: int, budget: int, seed: int, gaps: float
):
    scores = with_gaps(pool(rows, seed), gaps, seed)
    shuffled = scores.sample(fraction=1, shuffle=True, seed=seed)
    for name, row in SELECTORS.items():
        try:
            found = row.select(scores, budget, seed)
        except DataError as error:
            if re.search("of no sample are all signals known|is 1 or more for all", str(error)):
                continue
            raise
        assert found.schema == SELECTION
        assert found["id"].is_unique().all(), name
        assert found["id"].is_in(scores["id"].implode()).all(), name
        assert (found["weight"] > 0).all()
        assert found.height <= budget or name == "full", name
        assert row.select(shuffled, budget, seed).equals(found), name


def test_seeds_draw_different_samples():
    scores = pool(50, 0)
    one, other = (set(SELECTORS["random"].select(scores, 10, seed)["id"]) for seed in (1, 2))
    assert one != other


def test_a_sample_without_the_signal_is_not_chosen():
    assert chosen("less", 5, influence=[None, 0.1, float("nan"), 0.2, None]) == ["d", "b"]


@pytest.mark.parametrize("name", [name for name, row in SELECTORS.items() if row.needs])
@pytest.mark.parametrize("nothing", [None, math.nan, math.inf])
def test_no_selector_takes_a_sample_that_lacks_a_signal(name: str, nothing: float | None):
    scores = pool(40, 3)
    for column in SELECTORS[name].needs:
        ill = {"tier": None, "embedding": [0.0, nothing, 1.0, 0.0]}.get(column, nothing)
        lacking = pl.Series(
            [ill if place == 7 else value for place, value in enumerate(scores[column].to_list())], strict=False
        )
        found = SELECTORS[name].select(scores.with_columns(lacking.alias(column)), 40, 1)
        assert found.height > 0
        assert "sample-7" not in found["id"], column


@pytest.mark.parametrize("name", [name for name, row in SELECTORS.items() if row.needs])
def test_every_selector_names_the_column_it_misses(name: str):
    for column in SELECTORS[name].needs:
        with pytest.raises(DataError, match=f"no column '{column}'"):
            SELECTORS[name].select(pool(20, 1).drop(column), 5, 1)


@pytest.mark.parametrize("name", SELECTORS)
def test_a_pool_is_made_of_different_samples(name: str):
    scores = pool(20, 1)
    with pytest.raises(DataError, match="sample 'sample-4' is there 2 times"):
        SELECTORS[name].select(pl.concat([scores, scores[4]]), 5, 1)
    with pytest.raises(DataError, match="1 samples have no id"):
        SELECTORS[name].select(scores.with_columns(pl.when(pl.col("id") != "sample-4").then("id").name.keep()), 5, 1)
    with pytest.raises(DataError, match="no sample to choose from"):
        SELECTORS[name].select(scores.head(0), 5, 1)


@pytest.mark.parametrize(("name", "column"), [("ifd", "ifd"), ("superfiltering", "ifd_small")])
def test_a_pool_that_misleads_throughout_says_so(name: str, column: str):
    with pytest.raises(DataError, match=f"{column} is 1 or more for all 3 samples"):
        chosen(name, 2, **{column: [1.0, 1.2, 3.0]})


def test_embeddings_come_as_arrays_too():
    scores = pool(60, 2)
    arrays = scores.with_columns(pl.col("embedding").cast(pl.Array(pl.Float32, 4)))
    for name in ("deita", "cluster_complexity"):
        select = SELECTORS[name].select
        assert select(arrays, 12, 1).equals(select(scores, 12, 1)), name


def test_signals_that_are_not_there_are_named():
    with pytest.raises(DataError, match="no column 'influence'"):
        SELECTORS["less"].select(pl.DataFrame({"id": IDS}), 2, 1)
    with pytest.raises(DataError, match="of no sample are all signals known: influence"):
        chosen("less", 2, influence=[None, None])
    with pytest.raises(UsageError, match="no selector 'lest'"):
        selector_named("lest")

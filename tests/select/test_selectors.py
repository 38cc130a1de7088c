"""Each selector on an example small enough to work out by hand, and what holds for all of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entp.errors import DataError, UsageError
from entp.records import chances
from entp.select import SELECTION, SELECTORS, cluster_complexity, selector_named
from entp.select.dsir import select as dsir
from entp.select.qurating import TEMPERATURE

IDS = ["a", "b", "c", "d", "e"]


def chosen(name: str, budget: int, seed: int = 1, **columns: Any) -> list[str]:
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
    assert chosen("dsir", 3, seed=7, importance=importance) == expected


def test_dsir_draws_in_proportion_to_the_weights():
    # Of two samples, the one e^1 = 2.7 times as likely comes first in e / (e + 1) = 73 % of the draws.
    scores = pl.DataFrame({"id": ["a", "b"], "importance": [1.0, 0.0]})
    first = sum(dsir(scores, 1, seed)["id"][0] == "a" for seed in range(2000)) / 2000
    assert first == pytest.approx(math.e / (math.e + 1), abs=0.03)


def test_qurating_draws_by_standardised_scores_over_the_temperature():
    values = np.array([10.0, 30.0, 20.0, 50.0, 40.0])
    noise = -np.log(-np.log(chances(pl.Series(IDS), 3).to_numpy()))
    order = np.argsort(-((values - values.mean()) / values.std() / TEMPERATURE + noise))
    assert chosen("qurating", 2, seed=3, qurating=values.tolist()) == [IDS[place] for place in order[:2]]


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


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(1, 20), st.integers(0, 5))
def test_the_order_of_the_rows_does_not_matter(rows: int, budget: int, seed: int):
    scores = pool(rows, seed)
    for name, row in SELECTORS.items():
        try:
            found = row.select(scores, budget, seed)
        except DataError:
            assert name in ("ifd", "superfiltering"), name
            continue
        assert found.schema == SELECTION
        assert found["id"].is_unique().all(), name
        assert found["id"].is_in(scores["id"].implode()).all(), name
        assert (found["weight"] > 0).all()
        if name != "full":
            assert found.height <= budget, name
        shuffled = row.select(scores.sample(fraction=1, shuffle=True, seed=seed), budget, seed)
        assert set(shuffled["id"]) == set(found["id"]), name


def test_seeds_draw_different_samples():
    scores = pool(50, 0)
    one, other = (set(SELECTORS["random"].select(scores, 10, seed)["id"]) for seed in (1, 2))
    assert one != other


def test_a_sample_without_the_signal_is_not_chosen():
    assert chosen("less", 5, influence=[None, 0.1, float("nan"), 0.2, None]) == ["d", "b"]


def test_signals_that_are_not_there_are_named():
    with pytest.raises(DataError, match="no column 'influence'"):
        SELECTORS["less"].select(pl.DataFrame({"id": IDS}), 2, 1)
    with pytest.raises(DataError, match="of no sample are all signals known: influence"):
        chosen("less", 2, influence=[None, None])
    with pytest.raises(UsageError, match="no selector 'lest'"):
        selector_named("lest")

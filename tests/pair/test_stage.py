from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from entp import store
from entp.config import Config
from entp.errors import DataError, UsageError
from entp.pair.stage import run
from entp.pair.strategies import STRATEGIES
from entp.params import load
from entp.records import EMBEDDINGS, LEFT_OVER_REASONS, SAMPLES, SCORES, digest_of
from entp.store import Identity
from tests.datasets import publish, sample

#: Near enough to share a domain, far enough not to say the same.
SPREAD = 0.25


def pool(folder: Path, low: int, high: int = 2, spread: float = SPREAD, languages: tuple[str, ...] = ("en",)) -> dict:
    """`low` LQ and `high` HQ samples around three orthogonal topics, with vectors to match."""
    random = np.random.default_rng(0)
    samples, scores, vectors = [], [], []
    for number in range(low + high):
        row = sample(f"Question number {number} about topic {number % 3}?", f"Answer {number}.", row=number)
        samples.append({**row, "language": languages[number % len(languages)]})
        tier = "LQ" if number < low else "HQ"
        scores.append({"id": row["id"], "score_raw": 1, "score_curated": 1, "confidence": 0.9, "tier": tier})
        vector = np.eye(16)[number % 3] + random.normal(0, spread, 16)
        vectors.append({"id": row["id"], "vector": (vector / np.linalg.norm(vector)).tolist()})
    inputs = {"purge": publish(folder, "purge", samples=samples), "curate": folder / "curate"}
    with store.publish(inputs["curate"], Identity("curate", {}, "test", {})) as dataset:
        dataset.write("scores", pl.DataFrame(scores, schema=SCORES), SCORES)
        dataset.write("embeddings", pl.DataFrame(vectors, schema=EMBEDDINGS), EMBEDDINGS)
        dataset.summarise({})
    return inputs


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_low_quality_sample_is_in_one_pair_or_left_over_with_a_reason(tmp_path, strategy):
    inputs = pool(tmp_path, low=61)
    metrics = run(load(overrides=[f"pair.strategy={strategy}"]), inputs, tmp_path / "pair").metrics
    pairs = store.read(tmp_path / "pair", "pairs")
    left_over = store.read(tmp_path / "pair", "left_over")
    parents = pairs["parent_a"].to_list() + pairs["parent_b"].to_list()
    scores = store.read(inputs["curate"], "scores")
    assert sorted([*parents, *left_over["id"]]) == sorted(scores.filter(tier="LQ")["id"])
    assert metrics["left_over"] == left_over.height == 61 - 2 * metrics["pairs"] > 0
    for reason in LEFT_OVER_REASONS:
        assert metrics[f"left_over/{reason}"] == left_over.filter(reason=reason).height


def test_the_strategies_differ_in_what_they_maximise_and_where_partners_come_from(tmp_path):
    inputs = pool(tmp_path, low=90)
    metrics, common = {}, {}
    for strategy in STRATEGIES:
        metrics[strategy] = run(load(overrides=[f"pair.strategy={strategy}"]), inputs, tmp_path / strategy).metrics
        common[strategy] = store.read(tmp_path / strategy, "pairs")["cluster"].is_not_null().mean()
    assert metrics["complementary"]["mean_complementarity"] > metrics["nearest"]["mean_complementarity"]
    assert metrics["nearest"]["mean_similarity"] > metrics["complementary"]["mean_similarity"]
    assert metrics["random"]["mean_similarity"] < metrics["complementary"]["mean_similarity"]
    assert (common["complementary"], common["nearest"], common["cross_cluster"]) == (1.0, 1.0, 0.0)
    assert 0 < common["random"] < 1


def test_a_sample_alone_in_its_language_is_left_over_and_says_so(tmp_path):
    inputs = pool(tmp_path, low=40, languages=("en",) * 39 + ("zh",))
    run(Config(), inputs, tmp_path / "pair")
    left_over = store.read(tmp_path / "pair", "left_over")
    languages = dict(store.read(inputs["purge"], "samples").select("id", "language").iter_rows())
    reasons = {languages[row["id"]]: row["reason"] for row in left_over.iter_rows(named=True)}
    assert reasons["zh"] == "alone_in_group"


def test_a_pair_is_named_by_its_parents_in_order_and_stays_in_its_cluster(tmp_path):
    run(Config(), pool(tmp_path, low=40), tmp_path / "pair")
    cluster_of = dict(store.read(tmp_path / "pair", "clusters").select("id", "cluster").iter_rows())
    for row in store.read(tmp_path / "pair", "pairs").iter_rows(named=True):
        assert row["parent_a"] < row["parent_b"]
        assert row["pair_id"] == digest_of([row["parent_a"], row["parent_b"]])
        assert cluster_of[row["parent_a"]] == cluster_of[row["parent_b"]] == row["cluster"]
        assert 0.25 <= row["similarity"] <= 0.92


def test_pairs_of_representatives_come_first_so_that_a_small_budget_covers_every_domain(tmp_path):
    run(Config(), pool(tmp_path, low=60), tmp_path / "pair")
    clusters = store.read(tmp_path / "pair", "clusters")
    seeds = set(clusters.filter("representative")["id"])
    pairs = store.read(tmp_path / "pair", "pairs")
    seeded = [bool(seeds & {row["parent_a"], row["parent_b"]}) for row in pairs.iter_rows(named=True)]
    assert any(seeded)
    assert seeded == sorted(seeded, reverse=True)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_languages_are_never_mixed(tmp_path, strategy):
    inputs = pool(tmp_path, low=40, languages=("en", "zh"))
    run(load(overrides=[f"pair.strategy={strategy}"]), inputs, tmp_path / "pair")
    language = dict(store.read(inputs["purge"], "samples").select("id", "language").iter_rows())
    pairs = store.read(tmp_path / "pair", "pairs")
    assert pairs.height > 5
    assert all(language[row["parent_a"]] == language[row["parent_b"]] for row in pairs.iter_rows(named=True))


def test_every_low_quality_sample_is_on_the_map_with_its_task_type(tmp_path):
    run(Config(), pool(tmp_path, low=30), tmp_path / "pair")
    clusters = store.read(tmp_path / "pair", "clusters")
    assert clusters.height == 30
    assert set(clusters["task_type"]) == {"question_answering"}
    assert clusters.select(pl.col("x", "y").is_finite().all()).row(0) == (True, True)


def test_the_domains_add_up_to_the_pool(tmp_path):
    metrics = run(Config(), pool(tmp_path, low=60), tmp_path / "pair").metrics
    domains = store.read(tmp_path / "pair", "domains")
    clusters = store.read(tmp_path / "pair", "clusters")
    assert domains["cluster"].to_list() == list(range(int(metrics["clusters"])))
    assert domains["size"].sum() == 60
    assert domains["share"].sum() == pytest.approx(1, abs=1e-4)
    assert domains["paired"].sum() == 2 * metrics["pairs"]
    assert domains["left_over"].sum() == metrics["left_over"]
    assert sorted(domains["representatives"].explode()) == sorted(clusters.filter("representative")["id"])
    assert metrics["task_type/question_answering"] == 1.0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_two_runs_publish_the_same_bytes(tmp_path, strategy):
    inputs = pool(tmp_path, low=50)
    for name in ("first", "second"):
        run(load(overrides=[f"pair.strategy={strategy}"]), inputs, tmp_path / name)
    assert store.content_digest(tmp_path / "first") == store.content_digest(tmp_path / "second")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_order_of_the_samples_does_not_matter(tmp_path, strategy):
    config = load(overrides=[f"pair.strategy={strategy}"])
    inputs = pool(tmp_path, low=50)
    run(config, inputs, tmp_path / "first")
    with store.publish(tmp_path / "turned", Identity("purge", {}, "test", {})) as dataset:
        dataset.write("samples", store.read(inputs["purge"], "samples").reverse(), SAMPLES)
        dataset.summarise({})
    run(config, {**inputs, "purge": tmp_path / "turned"}, tmp_path / "second")
    assert store.content_digest(tmp_path / "first") == store.content_digest(tmp_path / "second")


def test_one_low_quality_sample_makes_no_pair(tmp_path):
    with pytest.raises(DataError, match=r"1 of 3 samples are low quality, two make a pair; .*curate\.low_quality_to"):
        run(Config(), pool(tmp_path, low=1), tmp_path / "pair")


def test_a_pool_without_a_pair_names_the_window_and_what_lies_outside_it(tmp_path):
    inputs = pool(tmp_path, low=9, spread=0.001)
    with pytest.raises(DataError, match=r"pair\.similarity_max=0\.92 .*less similar: 27; more similar: 9\)"):
        run(Config(), inputs, tmp_path / "pair")


def test_a_closed_window_is_a_usage_error():
    with pytest.raises(UsageError, match=r"similarity_min=0\.95 must be under similarity_max=0\.92"):
        load(overrides=["pair.similarity_min=0.95"])

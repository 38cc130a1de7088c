from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from entp import store
from entp.config import Config, CurateConfig
from entp.curate.stage import (
    agreement_of_raters,
    curate,
    long_tail_diversity,
    ratings_of,
    run,
    transition_table,
)
from entp.errors import DataError, UsageError
from entp.params import load
from tests.curate.planted import N_SCORES, observe, plant
from tests.datasets import publish, sample

TOPICS = {
    "How do I {} in the garden?": ("prune roses", "sow carrots", "water tomatoes", "mulch beds", "move a hedge"),
    "Write a SQL query to {}.": ("join two tables", "count rows", "drop an index", "list users", "sum orders"),
}


def ring(scores: list[int | None]) -> tuple[pl.DataFrame, np.ndarray]:
    """Samples with these scores, evenly on a circle."""
    angles = np.linspace(0, 2 * np.pi, len(scores), endpoint=False)
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    ids = [f"s{number:02d}" for number in range(len(scores))]
    return pl.DataFrame({"id": ids, "source": "forum", "score": pl.Series(scores, dtype=pl.Int64)}), vectors


def rating(row: dict, score: int | None, rater: str = "likelihood", status: str = "rated") -> dict:
    expected = None if score is None else float(score)
    return {"id": row["id"], "rater": rater, "status": status, "score": score, "expected": expected, "spread": None}


def pool(run_folder: Path, low: int = 1, high: int = 5) -> dict[str, Path]:
    """Poor gardening answers, good SQL answers, and one answer that could not be rated."""
    questions = [template.format(task) for template, tasks in TOPICS.items() for task in tasks]
    samples = [sample(question, "Like this: " + question.lower(), row=row) for row, question in enumerate(questions)]
    ratings = [rating(row, low if number < 5 else high) for number, row in enumerate(samples)]
    ratings[-1] = rating(samples[-1], None, status="unparsed")
    return {
        "purge": publish(run_folder, "purge", samples=samples),
        "rate": publish(run_folder, "rate", ratings=ratings),
    }


def test_an_unrated_sample_is_undecided_and_votes_for_nothing():
    scored, vectors = ring([1, 1, None, 1, 5, 5, 5, 5])
    scores = curate(scored, vectors, CurateConfig(neighbours=2)).scores
    assert scores.row(2) == ("s02", None, None, None, 0.0, "undecided")
    assert scores.filter(pl.col("score_raw") == 1)["tier"].to_list() == ["LQ"] * 3
    without, rest = scored.drop_nulls(), np.delete(vectors, 2, axis=0)
    assert curate(without, rest, CurateConfig(neighbours=2)).scores.equals(scores.drop_nulls())


def test_every_sample_gets_a_row_and_the_ratios_add_up():
    scored, vectors = ring([0, 1, 2, 3, 4, 5, None, 3])
    curation = curate(scored, vectors, CurateConfig())
    assert curation.scores["id"].to_list() == scored["id"].to_list()
    tiers = [curation.metrics[f"{tier}_ratio"] for tier in ("hq", "lq", "undecided")]
    assert sum(tiers) == pytest.approx(1.0, abs=1e-5)
    assert curation.metrics["unrated_ratio"] == pytest.approx(1 / 8)
    assert curation.metrics["identifiable"] == 0.0


def noisy_pool(size: int = 9_000) -> tuple[pl.DataFrame, np.ndarray, np.ndarray]:
    """Six themes in two sources, each of one true score; a rater that errs; vectors around the themes; true scores."""
    random = np.random.default_rng(0)
    matrix, _ = plant(10, 0)
    true = random.integers(0, N_SCORES, size)
    vectors = np.eye(N_SCORES, 16)[true] + random.normal(0, 0.1, (size, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"s{number:05d}" for number in range(size)]
    sources = np.where(random.random(size) < 0.7, "large", "small")
    scored = pl.DataFrame({"id": ids, "source": sources, "score": observe(true, matrix, 0)})
    return scored, vectors.astype(np.float32), true


def test_an_identifiable_matrix_lets_bayes_find_the_true_scores():
    scored, vectors, true = noisy_pool()
    right = {}
    for vote in ("bayes", "ds2"):
        curation = curate(scored, vectors, CurateConfig(vote=vote, bootstrap=0))
        right[vote] = (curation.scores["score_curated"].to_numpy() == true).mean()
        assert curation.metrics["identifiable"] == 1.0
        assert curation.notes == ()
    assert right["bayes"] > max(0.97, right["ds2"])
    assert (scored["score"].to_numpy() == true).mean() < 0.75


def test_a_large_source_has_a_matrix_with_intervals_of_its_own():
    scored, vectors, _ = noisy_pool()
    curation = curate(scored, vectors, CurateConfig(bootstrap=10))
    table = transition_table(curation.transition, curation.by_source)
    assert dict(table["source"].value_counts().iter_rows()) == {None: 36, "large": 36}
    assert ((table["low"] <= table["high"]) & (table["high"] <= 1)).all()


def test_raters_that_err_apart_agree_more_when_curated_and_not_by_smoothing():
    scored, vectors, true = noisy_pool(3_000)
    other = observe(true, plant(10, 1)[0], 7)
    ratings = pl.DataFrame({"id": scored["id"], "rater": "judge", "score": other})
    kappas = agreement_of_raters(scored, vectors, ratings, CurateConfig(rater="likelihood"))
    assert kappas["kappa/judge/curated"] > kappas["kappa/judge/raw"] + 0.2
    assert kappas["kappa/judge/control"] < kappas["kappa/judge/raw"] + 0.05


def test_diversity_is_zero_for_copies_and_grows_with_distance():
    assert long_tail_diversity(np.zeros((3, 2))) == 0.0
    assert long_tail_diversity(np.ones((3, 2))) == pytest.approx(0.4621, abs=1e-4)


def test_a_rater_that_did_not_run_is_named():
    ratings = pl.DataFrame([rating(sample("a", "b"), 1)])
    with pytest.raises(DataError, match=r"curate\.rater=judge.*there are: likelihood"):
        ratings_of("judge", ratings)


def test_a_pool_in_which_nothing_was_rated_fails_with_the_reasons(tmp_path):
    samples = [sample(f"{number}?", "b") for number in range(4)]
    inputs = {
        "purge": publish(tmp_path, "purge", samples=samples),
        "rate": publish(tmp_path, "rate", ratings=[rating(row, None, status="timed_out") for row in samples]),
    }
    with pytest.raises(DataError, match=r"0 of 4 samples have a score.*timed_out: 4"):
        run(Config(), inputs, tmp_path / "curate")
    assert not (tmp_path / "curate").exists()


def test_tiers_that_overlap_are_a_usage_error():
    with pytest.raises(UsageError, match="low_quality_to must be under high_quality_from=4"):
        load(overrides=["curate.low_quality_to=4"])


@pytest.mark.model
def test_the_stage_publishes_tiers_vectors_and_the_matrix(tmp_path):
    summary = run(load(overrides=["curate.neighbours=3"]), pool(tmp_path), tmp_path / "curate")
    scores = store.read(tmp_path / "curate", "scores")
    assert scores.height == store.read(tmp_path / "curate", "embeddings").height == 10
    assert dict(scores["tier"].value_counts().iter_rows()) == {"LQ": 5, "HQ": 4, "undecided": 1}
    transition = store.read(tmp_path / "curate", "transition")
    assert transition.height == 36
    assert transition.group_by("true").agg(pl.col("probability").sum())["probability"].to_list() == pytest.approx(
        [1.0] * 6
    )
    assert summary.metrics["lq_ratio"] == 0.5
    assert transition["source"].is_null().all()
    assert (transition["low"] <= transition["high"]).all()
    assert store.read(tmp_path / "curate", "reliability")["forecasts"].sum() == 9 * 6
    assert "9 rated samples" in summary.notes[0]
    assert "vote by nearness" in summary.notes[0]


@pytest.mark.model
def test_two_runs_publish_the_same_bytes(tmp_path):
    inputs = pool(tmp_path)
    digests = []
    for name in ("first", "second"):
        run(Config(), inputs, tmp_path / name)
        digests.append(store.content_digest(tmp_path / name))
    assert digests[0] == digests[1]


@pytest.mark.model
def test_a_pool_without_low_quality_fails_and_says_which_threshold_to_move(tmp_path):
    with pytest.raises(
        DataError, match=r"no sample is low quality \(score 4: 5, score 5: 4.*raise curate\.low_quality_to"
    ):
        run(Config(), pool(tmp_path, low=4), tmp_path / "curate")

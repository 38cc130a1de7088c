"""Quantile priors: learnt by source and language, written to a file, and read back from it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from entp import store
from entp.errors import DataError, UsageError
from entp.purge import priors
from entp.purge.apply_rules import decide
from entp.purge.priors import MIN_GROUP, fit, limit_of
from entp.purge.rule import LowerQuantile, Rule, UpperQuantile
from entp.purge.stage import fit_priors, run
from tests.datasets import publish, sample
from tests.purge.pool import configured

HIGH = Rule("high", ("response",), "flag", "test", lambda text: text, UpperQuantile(0.99))
LOW = Rule("low", ("response",), "drop", "test", lambda text: text, LowerQuantile(0.01))


def numbers(*groups: tuple[str, str, list[float]]) -> pl.LazyFrame:
    rows = [
        {
            "id": f"{source}-{language}-{place}",
            "source": source,
            "language": language,
            "turn": 1,
            "high": value,
            "low": value,
        }
        for source, language, values in groups
        for place, value in enumerate(values)
    ]
    return pl.LazyFrame(rows)


TALL = [float(value) for value in range(1000, 1000 + MIN_GROUP)]
SMALL = [float(value) for value in range(MIN_GROUP)]


def test_each_source_and_language_has_limits_of_its_own():
    pool = numbers(("a", "en", SMALL), ("a", "zh", TALL), ("b", "en", TALL))
    fired = decide(pool, [HIGH, LOW], fit(pool, [HIGH, LOW]))
    assert fired.sort("id", "reason").select("id", "keep", "reason", "value").rows() == [
        ("a-en-0", False, "low", 0.0),
        ("a-en-199", True, "high", 199.0),
        ("a-zh-0", False, "low", 1000.0),
        ("a-zh-199", True, "high", 1199.0),
        ("b-en-0", False, "low", 1000.0),
        ("b-en-199", True, "high", 1199.0),
    ]


def test_a_small_group_is_judged_by_its_source_then_its_language_then_the_pool():
    pool = numbers(
        ("a", "en", SMALL), ("a", "zh", [500.0]), ("c", "en", [500.0]), ("d", "fr", [2000.0]), ("b", "de", TALL)
    )
    limits = fit(pool, [HIGH])
    judged = pool.select("id", limit=limit_of(HIGH, limits)).collect()
    by_id = dict(judged.iter_rows())
    whole = limits.filter(pl.col("source").is_null(), pl.col("language").is_null())["limit"][0]
    of_source_a = limits.filter(pl.col("source") == "a", pl.col("language").is_null())["limit"][0]
    of_english = limits.filter(pl.col("source").is_null(), pl.col("language") == "en")["limit"][0]
    assert by_id["a-zh-0"] == of_source_a
    assert by_id["c-en-0"] == of_english
    assert by_id["d-fr-0"] == whole


def test_a_pool_too_small_to_know_its_tail_has_no_outliers():
    pool = numbers(("a", "en", [1.0, 5.0, 900.0]))
    assert decide(pool, [HIGH, LOW], fit(pool, [HIGH, LOW])).is_empty()


def test_limits_do_not_depend_on_the_order_of_rows():
    pool = numbers(("a", "en", SMALL), ("b", "zh", TALL))
    assert fit(pool.reverse(), [HIGH, LOW]).equals(fit(pool, [HIGH, LOW]))


def test_a_file_gives_back_what_was_written(tmp_path: Path):
    limits = fit(numbers(("a", "en", SMALL)), [HIGH])
    priors.write(limits, tmp_path / "deep" / "priors.json")
    assert priors.read(tmp_path / "deep" / "priors.json").equals(limits)


@pytest.mark.parametrize("content", ["", "{}", '{"format": "other", "limits": []}', "[1]", '{"format": 1'])
def test_another_file_is_refused_by_name(tmp_path: Path, content: str):
    path = tmp_path / "priors.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"priors\.json: not a file of purge priors"):
        priors.read(path)


def test_a_file_that_is_not_there_says_how_to_write_it(tmp_path: Path):
    with pytest.raises(UsageError, match="--fit-priors"):
        priors.read(tmp_path / "none.json")


def test_limits_of_another_quantile_are_refused():
    limits = fit(numbers(("a", "en", SMALL)), [HIGH])
    other = Rule("high", ("response",), "flag", "test", lambda text: text, UpperQuantile(0.5))
    with pytest.raises(UsageError, match=r"no limit for high at the quantile 0\.5"):
        limit_of(other, limits)


def test_a_new_batch_is_judged_by_the_limits_of_the_old_pool(tmp_path: Path):
    old = [sample(f"Question {number}?", "word " * (20 + number % 10)) for number in range(400)]
    batch = [sample("Tell me all.", "another " * 40), sample("Tell me more.", "some thing " * 9)]
    fit_priors(configured(), {"ingest": publish(tmp_path / "old", "ingest", samples=old)}, tmp_path / "priors.json")
    ingest = publish(tmp_path / "new", "ingest", samples=batch)

    pinned = configured(priors=str(tmp_path / "priors.json"), min_kept_ratio=0)
    run(pinned, {"ingest": ingest}, tmp_path / "new" / "pinned")
    run(configured(min_kept_ratio=0), {"ingest": ingest}, tmp_path / "new" / "own")

    def flagged(name: str) -> list[str]:
        verdicts = store.read(tmp_path / "new" / name, "verdicts")
        return verdicts.filter(pl.col("reason") == "response_length_high")["id"].to_list()

    assert flagged("pinned") == [batch[0]["id"]]
    assert flagged("own") == []

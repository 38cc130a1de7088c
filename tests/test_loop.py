"""The loop over its first two stages, which need no model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from entp import loop, params, source_code, store
from entp.errors import DataError, UsageError

ROWS = [
    {"instruction": "Name the largest planet of the solar system.", "output": "Jupiter is the largest planet."},
    {"instruction": "How do bees find flowers?", "output": "They follow scent, colour and the dances of other bees."},
    {"instruction": "Give a synonym of quick.", "output": "Fast is a synonym of quick."},
]


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    path = tmp_path / "pool.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def run(pool: Path, *overrides: str, first: str | None = None, until: str = "purge") -> list[str]:
    """Run up to the purge; the names of the stages that were not skipped."""
    output = pool.parent / "run"
    outcomes = loop.run_loop(params.load(None, overrides), [pool], output, lambda _: None, lambda _: None, first, until)
    return [outcome.stage for outcome in outcomes if not outcome.skipped]


def test_the_first_run_does_everything_and_the_second_nothing(pool):
    assert run(pool) == ["ingest", "purge"]
    assert run(pool) == []


def test_a_changed_parameter_runs_its_stage_again_and_not_those_before(pool):
    run(pool)
    assert run(pool, "purge.languages=[en]") == ["purge"]


def test_a_parameter_of_a_later_stage_changes_nothing(pool):
    run(pool)
    assert run(pool, "mix.max_pairs=3") == []


def test_changed_input_runs_everything_again(pool):
    run(pool)
    pool.write_text(pool.read_text() + json.dumps({"instruction": "Say hello.", "output": "Hello to you."}) + "\n")
    assert run(pool) == ["ingest", "purge"]


def test_changed_code_runs_its_stage_again(pool, monkeypatch):
    run(pool)
    real = source_code.version
    monkeypatch.setattr(source_code, "version", lambda name: "edited" if name == "entp.purge.stage" else real(name))
    assert run(pool) == ["purge"]


def test_input_of_the_same_content_elsewhere_is_the_same_input(pool, tmp_path):
    run(pool)
    (tmp_path / "elsewhere").mkdir()
    moved = pool.rename(tmp_path / "elsewhere" / "pool.jsonl")
    outcomes = loop.run_loop(params.load(), [moved], tmp_path / "run", lambda _: None, lambda _: None, None, "purge")
    assert all(outcome.skipped for outcome in outcomes)


def test_from_runs_an_unchanged_stage_again(pool):
    run(pool)
    assert run(pool, first="purge") == ["purge"]


def test_until_stops_after_that_stage(pool):
    run(pool, until="ingest")
    assert not (pool.parent / "run" / "purge").exists()


def test_from_after_until_is_refused(pool):
    with pytest.raises(UsageError, match="--from purge comes after --until ingest"):
        run(pool, first="purge", until="ingest")


def test_a_stage_whose_input_is_missing_says_how_to_make_it(pool):
    with pytest.raises(DataError, match="run `entp ingest --output"):
        run(pool, first="purge")


def test_a_damaged_manifest_counts_as_missing(pool):
    run(pool)
    (pool.parent / "run" / "purge" / "manifest.json").write_text("{")
    assert run(pool) == ["purge"]


def test_metrics_are_kept_for_dvc_with_their_seconds(pool):
    run(pool)
    metrics = loop.read_metrics(pool.parent / "run")
    assert list(metrics) == ["ingest", "purge"]
    assert metrics["ingest"]["rows_read"] == 3
    assert metrics["ingest"]["seconds"] >= 0


def test_two_runs_publish_the_same_bytes(pool, tmp_path):
    for name in ("one", "two"):
        loop.run_loop(params.load(), [pool], tmp_path / name, lambda _: None, lambda _: None, None, "purge")
    for stage in ("ingest", "purge"):
        files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one" / stage).rglob("*.*"))
        assert files
        assert all((tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes() for file in files)
        assert store.content_digest(tmp_path / "one" / stage) == store.content_digest(tmp_path / "two" / stage)

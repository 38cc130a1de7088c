"""The stage: every sample has its verdict, and what is published agrees with the verdicts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entp import store
from entp.config import Config
from entp.errors import DataError, UsageError
from entp.purge.stage import run
from tests.datasets import publish, sample
from tests.purge.pool import MEASURED, configured, frame, judge

STORY = "The river rises in the hills, runs past three old mills, and reaches the sea near a small and quiet town."
ROWS = [
    sample("Name a city.\n\n<noinput>", "Paris<|im_end|>", row=1),
    sample("Name three causes.", "The three causes are: first, the", row=2),
    sample("Tell me of a river.", STORY, row=3),
    sample("tell me of a river. ", STORY, row=4),
    sample("Tell me of a river.", STORY + " Boats go there.", row=5),
    sample("Draw a cat.", "", row=6),
    sample("What is six times seven?", "42", row=7),
]


def purge(folder: Path, rows: list = ROWS, config: Config | None = None) -> Path:
    ingest = publish(folder, "ingest", samples=rows)
    run(config or Config(), {"ingest": ingest}, folder / "purge")
    return folder / "purge"


def reasons(dataset: Path, row: int) -> list[tuple[bool, str]]:
    verdicts = store.read(dataset, "verdicts").filter(pl.col("id") == ROWS[row - 1]["id"])
    return verdicts.select("keep", "reason").rows()


def test_each_sample_says_what_became_of_it(tmp_path: Path):
    dataset = purge(tmp_path)
    assert reasons(dataset, 1) == [(True, "noinput_leftover"), (True, "trailing_role_marker")]
    assert reasons(dataset, 2) == [(False, "truncated_ending")]
    assert sorted([reasons(dataset, 3), reasons(dataset, 4)]) == [
        [(False, "exact_duplicate")],
        [(False, "near_duplicate")],
    ]
    assert reasons(dataset, 5) == [(True, "passed")]
    assert reasons(dataset, 6) == [(False, "empty_response")]
    assert reasons(dataset, 7) == [(True, "passed")]


def test_the_kept_samples_are_repaired_in_input_order_and_keep_their_ids(tmp_path: Path):
    kept = store.read(purge(tmp_path), "samples")
    assert kept["id"].to_list() == [ROWS[0]["id"], ROWS[4]["id"], ROWS[6]["id"]]
    assert [turn["content"] for turn in kept["messages"][0]] == ["Name a city.", "Paris"]
    assert [json.loads(meta)["row"] for meta in kept["meta"]] == [1, 5, 7]


def test_every_copy_names_a_sample_that_survived(tmp_path: Path):
    dataset = purge(tmp_path)
    duplicates = store.read(dataset, "duplicates")
    assert duplicates.height == 2
    assert set(duplicates["survivor"]) == {ROWS[4]["id"]}


def test_the_metrics_add_up(tmp_path: Path):
    metrics = store.read_summary(purge(tmp_path)).metrics
    assert metrics["kept"] + metrics["dropped"] + metrics["duplicates"] == len(ROWS)
    assert (metrics["kept"], metrics["dropped"], metrics["exact_duplicates"], metrics["near_duplicates"]) == (
        3,
        2,
        1,
        1,
    )
    assert metrics["kept_ratio"] == pytest.approx(3 / 7)
    assert (metrics["repaired"], metrics["rule/truncated_ending"], metrics["rule/refusal"]) == (1, 1, 0)


def test_a_disabled_rule_and_disabled_duplicates_do_nothing(tmp_path: Path):
    config = configured(disable=["truncated_ending", "empty_response", "exact_duplicate", "near_duplicate"])
    assert store.read(purge(tmp_path, config=config), "samples").height == len(ROWS)


def test_a_threshold_replaces_the_prior(tmp_path: Path):
    config = configured(thresholds={"empty_response": 3})
    assert reasons(purge(tmp_path, config=config), 7) == [(False, "empty_response")]


@pytest.mark.parametrize(
    ("purge_config", "message"),
    [
        ({"disable": ["truncated_endings"]}, "did you mean 'truncated_ending'"),
        ({"thresholds": {"simbol_heavy": 1.0}}, "did you mean 'symbol_heavy'"),
        ({"thresholds": {"mojibake": 1.0}}, "no rule has the reason 'mojibake'"),
        ({"thresholds": {"response_length_high": 300}}, "a number from 0 to 1"),
    ],
)
def test_a_reason_or_threshold_that_cannot_be_is_named(tmp_path: Path, purge_config: dict, message: str):
    with pytest.raises(UsageError, match=message):
        purge(tmp_path, config=configured(**purge_config))


def test_a_pool_in_which_nothing_survives_fails_and_says_why(tmp_path: Path):
    rows = [sample(f"Question {number}?", "" if number else "The end of the story is that the") for number in range(9)]
    with pytest.raises(
        DataError, match="0 of 9 samples survive; commonest reasons: empty_response 8, truncated_ending 1"
    ):
        purge(tmp_path, rows)
    assert not (tmp_path / "purge").exists()


def test_an_empty_pool_fails_with_a_message(tmp_path: Path):
    with pytest.raises(DataError, match="no sample came in"):
        purge(tmp_path, [])


def test_the_same_input_gives_the_same_bytes(tmp_path: Path):
    first, second = purge(tmp_path / "a"), purge(tmp_path / "b")
    assert store.content_digest(first) == store.content_digest(second)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(len(ROWS))))
def test_verdicts_do_not_depend_on_the_order_of_rows(order: list[int]):
    expected = judge(frame(*ROWS), MEASURED).sort("id", "reason")
    shuffled = judge(frame(*(ROWS[index] for index in order)), MEASURED).sort("id", "reason")
    assert shuffled.equals(expected)


@pytest.mark.data
def test_a_real_pool_is_mostly_kept_and_its_known_damage_is_found(tmp_path: Path):
    data = os.environ.get("ENTP_TEST_DATA")
    if not data:
        pytest.skip("ENTP_TEST_DATA names no folder")
    pool = pl.read_parquet(Path(data) / "pools" / "sft_pool_small.parquet").head(1000).fill_null("")
    rows = [
        sample("\n\n".join(filter(None, (row["instruction"], row["input"]))), row["output"], row["source"], number)
        for number, row in enumerate(pool.iter_rows(named=True), start=1)
    ]
    unique = list({row["id"]: row for row in rows}.values())
    metrics = store.read_summary(purge(tmp_path, unique)).metrics
    assert metrics["kept_ratio"] > 0.95
    assert metrics["rule/trailing_role_marker"] > 100
    assert metrics["rule/empty_response"] > 0

"""The assemble stage on a small pool, from published tables to a folder that other tools load."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from entp import store
from entp.assemble.files import as_columns
from entp.assemble.stage import MOST_SOURCES, measures, run
from entp.config import AssembleConfig, Config
from entp.errors import DataError
from tests.assemble.pool import fusion, publish_pool
from tests.datasets import publish

CONFIG = Config(assemble=AssembleConfig(hq_share=0.5, fill_rows=20, validation_share=0.2))


def test_the_counts_add_up_and_the_share_is_reported(tmp_path: Path):
    metrics = run(CONFIG, publish_pool(tmp_path, fused=16, hq=40), tmp_path / "assemble").metrics
    assert (metrics["fusion_rows"], metrics["hq_rows"], metrics["hq_share"]) == (16, 16, 0.5)
    assert metrics["train_rows"] + metrics["validation_rows"] == metrics["rows"] == 32
    assert (metrics["source/forum"], metrics["source/manual"]) == (16, 16)


def test_a_share_that_few_fusions_force_is_noted(tmp_path: Path):
    summary = run(CONFIG, publish_pool(tmp_path, fused=2, hq=40, rejected=8), tmp_path / "assemble")
    assert (summary.metrics["rows"], summary.metrics["hq_share"]) == (20, 0.9)
    assert summary.notes == ("HQ samples are 90% of the set (assemble.hq_share asks for 50%): 2 rows came of 10 pairs",)


def test_samples_of_little_weight_leave_their_places_to_others(tmp_path: Path):
    inputs = publish_pool(tmp_path, fused=8, hq=40)
    samples = store.read(inputs["purge"], "samples")
    best = store.read(inputs["curate"], "scores").filter(score_curated=5)["id"]
    weights = [{"id": identifier, "commonness": 0.9, "weight": 1e-9} for identifier in best]
    publish(tmp_path, "purge", samples=samples.to_dicts(), weights=weights)
    run(CONFIG, inputs, tmp_path / "assemble")
    rows = pl.concat([store.read(tmp_path / "assemble", split) for split in ("train", "validation")])
    taken = rows.filter(origin="hq")["id"]
    assert len(taken) == 12
    assert not set(taken) & set(best)


def test_a_fusion_that_repeats_a_good_sample_is_left_out_and_counted(tmp_path: Path):
    inputs = publish_pool(tmp_path, fused=3, hq=10)
    first, second, third = (fusion(n, f"Both {n}?") for n in range(3))
    publish(tmp_path, "mix", fusions=[first, {**second, "messages": first["messages"]}, third])
    summary = run(CONFIG, inputs, tmp_path / "assemble")
    assert (summary.metrics["fusion_rows"], summary.metrics["repeated_rows"]) == (2, 1)
    assert "1 rows repeat the text of another and were left out" in summary.notes


def test_too_few_rows_fail_with_reasons_and_remedies(tmp_path: Path):
    inputs = publish_pool(tmp_path, fused=0, hq=1, rejected=5)
    with pytest.raises(
        DataError, match=r"1 training rows .* asks for 4 \(samples LQ: 10; pairs rejected: 5"
    ) as failure:
        run(CONFIG, inputs, tmp_path / "assemble")
    assert "mix.max_pairs" in str(failure.value)
    assert not (tmp_path / "assemble").exists()


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path):
    inputs = publish_pool(tmp_path, fused=8, hq=30)
    manifests = []
    for name in ("one", "two"):
        run(CONFIG, inputs, tmp_path / name)
        manifests.append((tmp_path / name / "manifest.json").read_bytes())
    assert manifests[0] == manifests[1]


def test_jsonl_and_parquet_load_with_the_datasets_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    from datasets import load_dataset

    run(CONFIG, publish_pool(tmp_path, fused=8, hq=30), tmp_path / "assemble")
    folder = tmp_path / "assemble" / "dataset"
    expected = [as_columns(store.read(tmp_path / "assemble", split)).to_dicts() for split in ("train", "validation")]
    for kind, ending in (("parquet", "parquet"), ("json", "jsonl")):
        files = {split: str(folder / f"{split}.{ending}") for split in ("train", "validation")}
        loaded = load_dataset(kind, data_files=files, cache_dir=str(tmp_path / "cache"))
        assert [loaded["train"].to_list(), loaded["validation"].to_list()] == expected


def test_the_folder_loads_by_its_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    from datasets import load_dataset

    run(CONFIG, publish_pool(tmp_path, fused=8, hq=30), tmp_path / "assemble")
    loaded = load_dataset(str(tmp_path / "assemble" / "dataset"), cache_dir=str(tmp_path / "cache"))
    assert {split: rows.num_rows for split, rows in loaded.items()} == {"train": 16, "validation": 4}


def test_jsonl_rows_have_the_keys_that_trainers_read(tmp_path: Path):
    run(CONFIG, publish_pool(tmp_path, fused=8, hq=30), tmp_path / "assemble")
    first = json.loads((tmp_path / "assemble" / "dataset" / "train.jsonl").read_text().splitlines()[0])
    assert list(first) == ["messages", "id", "origin", "source", "parents"]
    assert [turn["role"] for turn in first["messages"]] == ["user", "assistant"]


def test_an_empty_validation_split_has_no_file_and_is_noted(tmp_path: Path):
    config = Config(assemble=AssembleConfig(hq_share=0, validation_share=0.1))
    summary = run(config, publish_pool(tmp_path, fused=8, hq=0, clusters=2), tmp_path / "assemble")
    names = sorted(file.name for file in (tmp_path / "assemble" / "dataset").iterdir())
    assert names == ["README.md", "train.jsonl", "train.parquet"]
    assert store.read(tmp_path / "assemble", "validation").is_empty()
    assert any("no row is held out" in note for note in summary.notes)


def test_the_card_tells_counts_lineage_and_licence(tmp_path: Path):
    inputs = publish_pool(tmp_path, fused=8, hq=30)
    run(CONFIG, inputs, tmp_path / "assemble")
    card = (tmp_path / "assemble" / "dataset" / "README.md").read_text()
    front_matter = yaml.safe_load(card.split("---")[1])
    assert front_matter["language"] == ["en"]
    assert front_matter["configs"][0]["data_files"][0] == {"split": "train", "path": "train.parquet"}
    assert "| fusion | 8 |" in card
    assert "| `manual` | 12 |" in card
    assert store.content_digest(inputs["mix"]) in card
    assert store.file_sha256(tmp_path / "assemble" / "dataset" / "train.parquet") in card
    assert "keeps the licence of the data it came from" in card


def test_no_parent_is_on_both_sides(tmp_path: Path):
    run(CONFIG, publish_pool(tmp_path, fused=16, hq=40, clusters=8), tmp_path / "assemble")
    train, validation = (store.read(tmp_path / "assemble", split) for split in ("train", "validation"))
    assert validation.filter(pl.col("origin") == "fusion").height > 0
    assert not set(train["parents"].explode()) & set(validation["parents"].explode())


def test_a_pool_of_many_sources_has_metrics_of_the_largest():
    row = {"id": "1", "origin": "hq", "sources": ["small"]}
    rows = [{**row, "sources": [f"site-{number}"]} for number in range(1200)] + [{**row, "sources": ["large"]}] * 3
    metrics = measures(pl.DataFrame(rows), pl.DataFrame(rows).head(0))
    of_sources = {name: count for name, count in metrics.items() if name.startswith("source/")}
    assert len(of_sources) == MOST_SOURCES + 1
    assert of_sources["source/large"] == 3
    assert sum(of_sources.values()) == metrics["rows"] == 1203

"""Pushing to a hub (its wire format) and to a real S3 server."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from entp import store
from entp.errors import DataError, SetupError, UsageError
from entp.export.push import push
from entp.fetch.copy import local_copies
from tests.fetch.servers import REVISION, TOKEN, a_hub
from tests.platform.s3_server import BUCKET, s3_server


@pytest.fixture
def run(tmp_path) -> Path:
    """A run with a training set and a model."""
    files = {
        "assemble": ("dataset", {"README.md": "# Card", "train.jsonl": '{"messages": []}\n'}),
        "train": ("model", {"README.md": "# Model", "model.safetensors": "weights", "deep/a.json": "{}"}),
    }
    for stage, (name, contents) in files.items():
        with store.publish(tmp_path / "run" / stage, store.Identity(stage, {}, "", {})) as dataset:
            folder = dataset.subfolder(name)
            for file, text in contents.items():
                (folder / file).parent.mkdir(exist_ok=True)
                (folder / file).write_text(text)
            dataset.summarise({})
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("address", "kind", "names"),
    [
        ("hf://datasets/someone/pool", "dataset", ["README.md", "train.jsonl"]),
        ("hf://someone/pool", "model", ["README.md", "deep/a.json", "model.safetensors"]),
    ],
)
def test_a_hub_gets_the_folder_with_its_card(run, monkeypatch, address, kind, names):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with a_hub({"old.jsonl": b""}, private=True) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.committed["old.jsonl"] = b""
        assert push(run, address) == [f"{address}@{REVISION}"]
        assert sorted(hub.committed) == names
        assert hub.created[0].get("private") or hub.created[0].get("visibility") == "private"
        assert (hub.created[0].get("type") or "model") == kind


def test_without_a_token_nothing_is_sent(run, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(SetupError, match="set HF_TOKEN"):
        push(run, "hf://datasets/someone/pool")


def test_a_bucket_gets_both_and_keeps_nothing_of_an_earlier_push(run, tmp_path):
    with s3_server(tmp_path / "s3") as variables, pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        bucket = fsspec.filesystem("s3", skip_instance_cache=True)
        bucket.pipe_file(f"{BUCKET}/made/dataset/old.jsonl", b"old")
        address = f"s3://{BUCKET}/made"
        assert push(run, address) == [f"{address}/dataset", f"{address}/model"]
        bucket.invalidate_cache()
        assert sorted(bucket.find(f"{BUCKET}/made")) == [
            f"{BUCKET}/made/dataset/README.md",
            f"{BUCKET}/made/dataset/train.jsonl",
            f"{BUCKET}/made/model/README.md",
            f"{BUCKET}/made/model/deep/a.json",
            f"{BUCKET}/made/model/model.safetensors",
        ]
        (copied,) = local_copies([f"{address}/dataset"], tmp_path / "cache")
        assert (copied / "train.jsonl").read_text() == (run / "assemble/dataset/train.jsonl").read_text()
        with pytest.raises(SetupError, match="pushing failed"):
            push(run, "s3://no-such-bucket/made")


@pytest.mark.parametrize("address", ["hf://datasets/someone", "ftp://host/a", "someone/pool", "s3://"])
def test_other_addresses_are_refused(run, address):
    with pytest.raises(UsageError, match="expected hf://datasets/OWNER/NAME"):
        push(run, address)


def test_a_run_without_a_model_has_nothing_to_push(tmp_path):
    with pytest.raises(DataError, match="nothing to push"):
        push(tmp_path, "hf://someone/pool")

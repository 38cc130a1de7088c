"""Training on several nodes: the launcher step, with real torchrun processes as the nodes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from safetensors.torch import load_file

from entp import params, store
from entp.errors import SetupError
from entp.platform import distributed, step
from entp.platform.profiles import Work
from entp.stages import stage_named
from tests.train.tiny import publish_rows, save_tiny

WORK = Work(image="gpu", cpu="1", memory="1Gi", timeout_minutes=60, retries=0, nodes=2)
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    model = save_tiny(tmp_path_factory.mktemp("models") / "tiny")
    overrides = ["batch_size=2", "max_length=256", "epochs=2", "learning_rate=0.01", "save_steps=2", f"model={model}"]
    return params.load(None, ["track.uri=none", *(f"train.{override}" for override in overrides)])


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ENTP_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def run_nodes(arguments: list[str]) -> None:
    """What the TrainJob's pods do, as two processes of one machine."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    command = [str(BIN / "torchrun"), "--no-python", "--nproc-per-node", "2", str(BIN / "entp"), *arguments]
    subprocess.run(command, check=True, env=environment, timeout=300)


@pytest.fixture
def cluster(monkeypatch):
    """TrainJobs that run as soon as they are launched; the manifests that were launched."""
    launched = []

    def launch(client, job, say, retry):  # noqa: ARG001
        launched.append(job)
        run_nodes(job["spec"]["trainer"]["args"])
        return job

    monkeypatch.setattr(distributed.trainjob, "launch", launch)
    return launched


def test_two_processes_train_one_model_which_the_launcher_takes(tmp_path, settings, cache, cluster):
    parents = publish_rows(tmp_path / "run", train=20, validation=4)
    outcome = distributed.train_on_nodes(None, settings, parents, tmp_path / "out" / "trained", WORK, "image", "entp")
    alone = tmp_path / "alone" / "trained"
    step.run_step(stage_named("train"), settings, parents, {}, alone)

    together = tmp_path / "out" / "trained"
    assert outcome.summary.metrics["steps"] == store.read_summary(alone).metrics["steps"]
    losses = [store.read(folder, "log")["loss"] for folder in (together, alone)]
    assert losses[0].to_list() == pytest.approx(losses[1].to_list(), rel=0.15)
    assert pl.Series(losses[0]).to_list()[-1] < losses[0][0]
    weights = load_file(together / "model" / "model.safetensors")
    assert weights.keys() == load_file(alone / "model" / "model.safetensors").keys()
    assert [job["spec"]["trainer"]["numNodes"] for job in cluster] == [2]
    assert not list((cache / "trainjobs").iterdir())


def test_a_launcher_that_died_after_the_training_takes_the_model_without_training_again(
    tmp_path, settings, cache, cluster, monkeypatch
):
    parents = publish_rows(tmp_path / "run", train=8)
    with monkeypatch.context() as dying:
        dying.setattr(distributed, "_put", full_disk_at(2))
        with pytest.raises(OSError, match="disk full"):
            distributed.train_on_nodes(None, settings, parents, tmp_path / "out" / "trained", WORK, "image", "entp")
    distributed.train_on_nodes(None, settings, parents, tmp_path / "out" / "trained", WORK, "image", "entp")
    assert len(cluster) == 1
    assert store.is_published(tmp_path / "out" / "trained")
    assert not list((cache / "trainjobs").iterdir())


def full_disk_at(call: int):
    """The launcher's copying, which fails at that call."""
    put, seen = distributed._put, []

    def fail(source, target):
        seen.append(source)
        if len(seen) == call:
            raise OSError("disk full")
        put(source, target)

    return fail


def test_without_the_shared_volume_the_remedy_is_named(tmp_path, settings, monkeypatch):
    monkeypatch.delenv("ENTP_CACHE_DIR", raising=False)
    with pytest.raises(SetupError, match="ENTP_CACHE_DIR"):
        distributed.train_on_nodes(None, settings, {}, tmp_path / "trained", WORK, "image", "entp")


def test_the_nodes_arguments_hold_the_whole_section(settings, tmp_path):
    arguments = distributed._arguments(settings, tmp_path)
    [section] = [argument for argument in arguments if argument.startswith("train=")]
    assert json.loads(section.removeprefix("train="))["epochs"] == 2.0


def test_a_profile_with_several_nodes_trains_by_a_launcher():
    from entp.platform.profiles import load_profile
    from pipelines.purge_mix_sft import purge_mix_sft

    profile = load_profile("gpu")
    training = profile.work["training"].model_copy(update={"nodes": 4})
    pipeline = purge_mix_sft(profile.model_copy(update={"work": {**profile.work, "training": training}}))
    executors = pipeline.pipeline_spec.deployment_spec["executors"]
    assert "exec-train-on-nodes" in executors
    assert "exec-train" not in executors

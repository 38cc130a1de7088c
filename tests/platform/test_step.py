"""A stage as a pipeline step: paths in, an artifact, its digest and a summary out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from entp import loop, params, store
from entp.errors import DataError, UsageError
from entp.platform import step
from entp.stages import stage_named
from tests.gate.test_stage import STRONG, WEAK, gated
from tests.pipelines.local_kfp import ROOT
from tests.stopping import RENAMES, stopped

ROWS = [
    {"instruction": "Name the largest planet of the solar system.", "output": "Jupiter is the largest planet."},
    {"instruction": "How do bees find flowers?", "output": "They follow scent, colour and the dances of other bees."},
]


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path / "pool"


def run(stage: str, parents: dict[str, Path], output: Path, expected: dict[str, str] | None = None) -> Path:
    step.run_step(stage_named(stage), params.load(), parents, expected or {}, output)
    return output


@pytest.fixture
def ingested(pool: Path, tmp_path: Path) -> Path:
    return run("ingest", {"pool": pool}, tmp_path / "artifacts" / "one" / "ingested")


def test_a_step_publishes_what_the_loop_publishes(pool, ingested, tmp_path):
    purged = run("purge", {"ingest": ingested}, tmp_path / "artifacts" / "two" / "purged")
    loop.run_loop(params.load(), [pool], tmp_path / "run", lambda _: None, lambda _: None, None, "purge")
    assert store.content_digest(purged) == store.content_digest(tmp_path / "run" / "purge")
    assert store.read_manifest(purged)["identity"] == store.read_manifest(tmp_path / "run" / "purge")["identity"]


def test_a_step_leaves_nothing_beside_its_artifact(ingested):
    assert {path.name for path in ingested.parent.iterdir()} == {"ingested", ".ingested.lock"}


def test_a_step_run_again_replaces_its_artifact(pool, ingested):
    before = store.content_digest(ingested)
    assert store.content_digest(run("ingest", {"pool": pool}, ingested)) == before


def test_a_step_killed_while_its_artifact_replaces_another_leaves_that_one(pool, ingested):
    before = store.content_digest(ingested)
    again = f"""
from tests.platform.test_step import run
run("ingest", {{"pool": Path({str(pool)!r})}}, Path({str(ingested)!r}))
"""
    stopped(again, RENAMES[0].format(name="ingested"))
    assert store.content_digest(ingested) == before
    assert store.content_digest(run("ingest", {"pool": pool}, ingested)) == before
    assert {path.name for path in ingested.parent.iterdir()} == {"ingested", ".ingested.lock"}


def test_an_artifact_of_another_content_is_refused(ingested, tmp_path):
    with pytest.raises(DataError, match="artifact ingest has digest"):
        run("purge", {"ingest": ingested}, tmp_path / "purged", {"ingest": "0" * 32})
    assert not (tmp_path / "purged").exists()


def test_a_missing_artifact_is_named(tmp_path):
    with pytest.raises(DataError, match="artifact ingest is not there"):
        run("purge", {"ingest": tmp_path / "nowhere"}, tmp_path / "purged", {"ingest": "0" * 32})


def test_a_superfluous_parent_is_a_usage_error(ingested, tmp_path):
    with pytest.raises(UsageError, match="purge reads ingest; --parent names ingest, rate"):
        run("purge", {"ingest": ingested, "rate": ingested}, tmp_path / "purged")


def test_the_same_work_has_the_same_part_of_the_cache_volume(monkeypatch):
    monkeypatch.setenv("ENTP_CACHE_DIR", "/cache")
    with step.own_cache("mix", "abc"):
        first = os.environ["ENTP_CACHE_DIR"]
    with step.own_cache("mix", "other"):
        assert os.environ["ENTP_CACHE_DIR"] != first
    assert os.environ["ENTP_CACHE_DIR"] == "/cache"


def command(pool: Path, folder: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    """`entp step ingest` as a container runs it."""
    artifacts = {"ingested": {"artifacts": [{"name": "ingested", "uri": str(folder / "ingested"), "metadata": {}}]}}
    artifacts["metrics"] = {"artifacts": [{"name": "metrics", "uri": str(folder / "metrics"), "metadata": {}}]}
    described = {"outputs": {"artifacts": artifacts, "outputFile": str(folder / "kfp" / "output.json")}}
    argv = [str(Path(sys.executable).parent / "entp"), "step", "ingest", "--parent", f"pool={pool}"]
    argv += ["--output", str(folder / "ingested"), "--digest", str(folder / "digest")]
    argv += [
        "--summary",
        str(folder / "summary"),
        "--metrics",
        str(folder / "metrics"),
        "--executor-input",
        json.dumps(described),
        *overrides,
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "ENTP_"))}
    return subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)


def test_the_command_tells_kubeflow_what_it_made(pool, tmp_path):
    assert command(pool, tmp_path).returncode == 0
    told = json.loads((tmp_path / "kfp" / "output.json").read_text())["artifacts"]
    assert told["metrics"]["artifacts"][0]["metadata"]["samples"] == 2.0
    assert told["ingested"]["artifacts"][0]["metadata"]["digest"] == (tmp_path / "digest").read_text()
    assert "| samples | 2 |" in (tmp_path / "summary").read_text()


def test_numbers_that_arrive_as_floats_are_taken_for_what_they_are(pool, tmp_path):
    result = command(pool, tmp_path, 'ingest={"max_characters": 1000.0}')
    assert result.returncode == 0, result.stderr
    assert store.read_manifest(tmp_path / "ingested")["config"]["ingest"]["max_characters"] == 1000


def test_a_typo_in_a_parameter_is_an_error_that_names_the_near_one(pool, tmp_path):
    result = command(pool, tmp_path, 'ingest={"max_character": 1000}')
    assert result.returncode == 2
    assert "max_characters" in result.stderr


@pytest.mark.parametrize(("bar", "verdict"), [(0, "promote"), (1000, "keep")])
def test_the_gate_s_verdict_is_a_parameter_of_what_follows(bar, verdict, tmp_path):
    gated(tmp_path / "run", WEAK, STRONG, "track.uri=none")
    described = {"outputs": {"artifacts": {}, "outputFile": str(tmp_path / "kfp" / "output.json")}}
    argv = [str(Path(sys.executable).parent / "entp"), "step", "gate", "--executor-input", json.dumps(described)]
    argv += ["--parent", f"train={tmp_path / 'run' / 'train'}", "--parent", f"evaluate={tmp_path / 'run' / 'evaluate'}"]
    for name in ("digest", "summary", "metrics", "verdict"):
        argv += [f"--{name}", str(tmp_path / name)]
    argv += ["--output", str(tmp_path / "decided"), f'gate={{"noise_multiple": {bar}.0}}', "gate.hold=true"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "ENTP_"))}
    subprocess.run(argv, check=True, cwd=ROOT, env=environment)
    assert (tmp_path / "verdict").read_text() == verdict
    assert json.loads((tmp_path / "metrics").read_text())["promoted"] == 0.0

"""`entp weigh-sources`: what it prints is a setting that `assemble` follows."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from entp import params, store
from entp.cli import app
from entp.config import Config
from entp.errors import DataError
from entp.sources.command import weigh_sources
from entp.stages import stage_named
from tests.assemble.pool import publish_pool, score
from tests.datasets import publish, sample
from tests.train.tiny import save_tiny

SIZES = {"forum": 60, "manual": 20}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """HQ samples of two sources, and a pair that was fused."""
    inputs = publish_pool(tmp_path, fused=1, hq=0)
    good = [
        sample(
            f"How does part {number} of the {source} work?", f"Part {number} turns left, then right.", source, number
        )
        for source, size in SIZES.items()
        for number in range(size)
    ]
    poor = store.read(inputs["purge"], "samples").to_dicts()
    publish(tmp_path, "purge", samples=good + poor)
    publish(tmp_path, "curate", scores=[score(row, "HQ", 5) for row in good] + [score(row, "LQ", 1) for row in poor])
    return tmp_path


def test_by_temperature_and_what_assemble_makes_of_it(run: Path):
    setting = weigh_sources(Config(), run, "temperature", 1e9, 1)
    assert setting == 'assemble.source_shares={"forum": 0.5, "manual": 0.5}'
    config = params.load(None, [setting, "assemble.max_rows=20", "assemble.validation_share=0"])
    parents = {name: run / name for name in stage_named("assemble").parents}
    stage_named("assemble").run(config, parents, run / "assemble")
    origins = store.read(run / "assemble", "train").filter(origin="hq")["source"].value_counts()
    assert sorted(origins["count"]) == [9, 10]


def test_by_entropy(run: Path):
    assert weigh_sources(Config(), run, "entropy", 1, 1).startswith('assemble.source_shares={"forum": 0.')


def test_by_a_proxy(run: Path, tmp_path: Path):
    model = save_tiny(tmp_path / "tiny")
    config = params.load(None, [f"train.model={model}", "train.max_length=256"])
    setting = weigh_sources(config, run, "doremi", 1, 3)
    shares = params.load(None, [setting]).assemble.source_shares
    assert set(shares) == set(SIZES)
    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)


def test_one_source_is_nothing_to_weigh(tmp_path: Path):
    publish_pool(tmp_path, fused=1, hq=4)
    with pytest.raises(DataError, match="all 4 HQ samples are of one source"):
        weigh_sources(Config(), tmp_path, "temperature", 5, 1)


def test_a_run_that_is_not_curated_says_what_to_run(tmp_path: Path):
    with pytest.raises(DataError, match="run `entp run --until curate"):
        weigh_sources(Config(), tmp_path, "temperature", 5, 1)


def test_a_way_that_is_none(tmp_path: Path):
    result = CliRunner().invoke(app, ["weigh-sources", "--by", "size", "--output", str(tmp_path)])
    assert "the ways to weigh sources are temperature, entropy, doremi" in str(result.exception)

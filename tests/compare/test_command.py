"""`entp compare` from end to end: a tiny model, real training, real tasks, a real MLflow store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from entp import store
from entp.compare import cell as cells
from entp.compare.cell import folder_of
from entp.compare.command import redraw, run_comparison
from entp.compare.grid import Grid
from entp.compare.items import HELD_OUT, read_cells
from entp.compare.methods import METHODS, chosen
from entp.compare.table import compare
from entp.config import Config
from entp.errors import DataError, UsageError
from entp.params import changed, load
from entp.track.client import open_client, tracking_uri
from entp.track.mlflow_tracker import PARENT_TAG
from tests.assemble.pool import fusion
from tests.datasets import embeddings, pair, publish, sample
from tests.mlflow_store import put_empty_store
from tests.train.tiny import save_tiny

METHODS_HERE = ["vanilla", "random", "ds2", "full", "entp", "entp_and_hq"]
SEEDS = [1, 2]


def settings(base: Path, *more: str) -> list[str]:
    training = ["train.max_length=128", "train.batch_size=2", "train.learning_rate=0.01", "train.lora_rank=4"]
    return [f"train.model={base}", *training, "evaluate.tasks=[entp_knowledge]", "evaluate.limit=4", *more]


def curated_run(folder: Path, count: int = 16) -> Path:
    """A run as `entp run --until curate` leaves it."""
    rows = [sample(f"What is {n} plus {n % 5}?", f"It is {n + n % 5}.", row=n + 1) for n in range(count)]
    publish(folder, "purge", samples=rows)
    scores = [
        {
            "id": row["id"], "score_raw": n % 6, "score_curated": n % 6, "neighbours_score": 2.5, "confidence": 0.5,
            "tier": "HQ" if n % 6 > 3 else "LQ",
        }
        for n, row in enumerate(rows)
    ]  # fmt: skip
    publish(folder, "curate", scores=scores, embeddings=embeddings(rows))
    return folder


def mixed_run(folder: Path) -> Path:
    """The same after `entp run --until mix`: LQ samples that follow each other are fused, two and two."""
    curated_run(folder)
    tiers = store.read(folder / "curate", "scores").filter(tier="LQ")
    poor = store.read(folder / "purge", "samples").join(tiers, on="id", how="semi").to_dicts()
    pairs = [pair(f"pair{n:03d}", poor[2 * n], poor[2 * n + 1]) for n in range(len(poor) // 2)]
    publish(folder, "pair", pairs=pairs)
    publish(folder, "mix", fusions=[fusion(n, f"What are the sums of pair {n}?") for n in range(len(pairs))])
    return folder


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Grid:
    folder = tmp_path_factory.mktemp("compare")
    put_empty_store(folder)
    base = save_tiny(folder / "base")
    grid = Grid(load(overrides=settings(base)), mixed_run(folder / "run"), rows=6, held_out=4)
    run_comparison(grid, METHODS_HERE, SEEDS, [])
    return grid


def test_every_method_and_seed_has_a_cell_and_the_base_model_one(compared: Grid):
    found = {path.name for path in (compared.folder / "cells").iterdir() if not path.name.startswith(".")}
    assert found == {"vanilla-1", *(f"{method}-{seed}" for method in METHODS_HERE[1:] for seed in SEEDS)}


def test_the_budget_holds_for_all_but_the_full_pool(compared: Grid):
    rows = {method: store.read(folder_of(compared, method, 1), "chosen").height for method in METHODS_HERE}
    shown = pl.read_csv(compared.folder / "comparison.csv").filter(task=HELD_OUT)
    assert dict(shown.select("method", "rows").iter_rows()) == rows
    fused = rows.pop("entp")
    assert rows == {"vanilla": 0, "random": 6, "ds2": 6, "full": 12, "entp_and_hq": 6}
    assert 0 < fused <= 6


def test_no_method_trains_on_held_out_rows_or_what_was_made_of_one(compared: Grid):
    held_out = set(store.read(folder_of(compared, "full", 1), "items").filter(task=HELD_OUT)["item"])
    assert len(held_out) == 4
    pairs = store.read(compared.output / "pair", "pairs").select("pair_id", "parent_a", "parent_b")
    made_of_one = {name for name, *parents in pairs.iter_rows() if held_out & set(parents)}
    assert made_of_one
    for method in METHODS_HERE:
        assert not (held_out | made_of_one) & set(store.read(folder_of(compared, method, 1), "chosen")["id"])
    best = store.read(compared.output / "curate", "scores").filter(tier="HQ")["id"]
    assert held_out & set(best), "no held-out row would have been chosen anyway"


def test_training_lowers_the_loss_on_held_out_rows(compared: Grid):
    table = pl.read_csv(compared.folder / "comparison.csv").filter(task=HELD_OUT)
    scores = dict(table.select("method", "score").iter_rows())
    assert scores["full"] < scores["vanilla"]
    leads = dict(table.select("method", "lead").iter_rows())
    assert leads["vanilla"] == pytest.approx(scores["random"] - scores["vanilla"])
    assert leads["vanilla"] < 0


def test_models_do_not_outlive_their_cells(compared: Grid):
    assert not list(compared.folder.glob("work-*"))
    assert not list((compared.folder / "cells").glob("**/*.safetensors"))


def test_page_and_plots_are_there(compared: Grid):
    page = (compared.folder / "comparison.html").read_text()
    assert page.count("<svg") == 2
    assert all(method in page for method in METHODS_HERE)
    assert "http://" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )


def logged(grid: Grid) -> tuple[Any, list[Any]]:
    client = open_client(tracking_uri(grid.config, grid.output))
    experiment = client.get_experiment_by_name(grid.config.track.experiment)
    runs = client.search_runs([experiment.experiment_id])
    parent = next(run for run in runs if run.info.run_name == "run-compare")
    return parent, [run for run in runs if run.data.tags.get(PARENT_TAG) == parent.info.run_id]


def test_mlflow_has_a_run_for_the_whole_and_one_for_each_cell(compared: Grid):
    parent, children = logged(compared)
    assert {run.info.run_name for run in children} == {
        "vanilla-seed1", *(f"{method}-seed{seed}" for method in METHODS_HERE[1:] for seed in SEEDS)
    }  # fmt: skip
    assert f"compare/full/{HELD_OUT}/lead" in parent.data.metrics
    assert all(f"compare/{HELD_OUT}" in run.data.metrics for run in children)


def test_a_logged_comparison_is_drawn_again(compared: Grid, tmp_path: Path):
    parent, _ = logged(compared)
    config = changed(compared.config, [f"track.uri={tracking_uri(compared.config, compared.output)}"])
    redraw(config, parent.info.run_id, tmp_path)
    assert (tmp_path / "compare" / "comparison.csv").read_bytes() == (compared.folder / "comparison.csv").read_bytes()
    with pytest.raises(DataError, match="no comparison in it"):
        redraw(config, "0" * 32, tmp_path)


def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The method of each cell that is scored from now on, in order."""
    ran: list[str] = []
    scored = cells._scored

    def remember(config: Config, method: str, *inputs: Any) -> tuple[pl.DataFrame, dict[str, float]]:
        ran.append(method)
        return scored(config, method, *inputs)

    monkeypatch.setattr(cells, "_scored", remember)
    return ran


def test_nothing_is_trained_again_where_nothing_changed(compared: Grid, monkeypatch: pytest.MonkeyPatch):
    ran = watched(monkeypatch)
    before = (compared.folder / "comparison.csv").read_bytes()
    run_comparison(compared, METHODS_HERE, SEEDS, [])
    assert ran == []
    assert (compared.folder / "comparison.csv").read_bytes() == before


def test_what_the_comparison_needs_is_said(tmp_path: Path):
    grid = Grid(load(overrides=settings(tmp_path)), tmp_path, rows=6, held_out=4)
    with pytest.raises(DataError, match="entp run --until curate"):
        run_comparison(grid, ["random"], [1], [])
    with pytest.raises(UsageError, match=r"dsir: .*--target"):
        run_comparison(grid, ["random", "dsir"], [1], [])
    run = curated_run(tmp_path / "run")
    with pytest.raises(DataError, match="too few to hold 99 out"):
        run_comparison(Grid(grid.config, run, rows=6, held_out=99), ["random"], [1], [])
    with pytest.raises(DataError, match="entp run --until mix"):
        run_comparison(Grid(grid.config, run, rows=6, held_out=4), ["entp"], [1], [])
    with pytest.raises(UsageError, match="no method 'rndom'"):
        chosen(["rndom"])
    assert chosen(["all"]) == list(METHODS)


def test_embeddings_of_other_samples_are_refused(tmp_path: Path):
    run = curated_run(tmp_path / "run")
    publish(run, "purge", samples=[sample(f"Another question {n}?", "Yes.", row=n + 1) for n in range(16)])
    with pytest.raises(DataError, match="not of the samples in"):
        run_comparison(Grid(load(overrides=settings(tmp_path)), run, rows=6, held_out=4), ["random"], [1], [])


KILLED = """
import os, sys
from pathlib import Path
from entp.compare import cell
from entp.compare.command import run_comparison
from entp.compare.grid import Grid
from entp.params import load

seen = []
scored = cell._scored
def dying(*arguments):
    seen.append(1)
    if len(seen) == 3:
        os.kill(os.getpid(), 9)
    return scored(*arguments)
cell._scored = dying
run_comparison(Grid(load(overrides=sys.argv[2:]), Path(sys.argv[1]), 6, 4), ["random", "ds2"], [1, 2], [])
"""


def test_a_killed_comparison_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put_empty_store(tmp_path)
    run, overrides = curated_run(tmp_path / "run"), settings(save_tiny(tmp_path / "base"))
    killed = subprocess.run([sys.executable, "-c", KILLED, str(run), *overrides], capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr.decode()[-2000:]
    grid = Grid(load(overrides=overrides), run, rows=6, held_out=4)
    ran = watched(monkeypatch)
    run_comparison(grid, ["random", "ds2"], [1, 2], [])
    assert ran == ["random", "ds2"]  # those of seed 2: the two of seed 1 were there
    results = read_cells({(m, s): folder_of(grid, m, s) for m in ("random", "ds2") for s in (1, 2)})
    assert {result.seeds for result in compare(results, "random")} == {2}

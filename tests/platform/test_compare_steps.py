"""The steps of the pipeline `compare`: what makes a method, what a cell leaves, and the table."""

from __future__ import annotations

import polars as pl
import pytest

from entp import params, store
from entp.compare.items import RESULTS
from entp.errors import UsageError
from entp.platform import compare_steps
from entp.platform.compare_steps import cells_of, run_cell, table
from entp.records import EVALUATION_ITEMS, EVALUATION_SCORES
from entp.store import Identity
from tests.compare.results import results
from tests.compare.test_command import curated_run, settings
from tests.mlflow_store import INJECTED
from tests.train.tiny import save_tiny

TASK = "entp_knowledge"


def evaluated(folder):
    """Publish the evaluation of one task with two items, and return its metrics, as the loop's stages do."""
    items = [
        {"model": model, "task": TASK, "subtask": TASK, "item": f"{place}-a", "metric": "acc", "value": value}
        for model, values in (("before", (0.0, 0.0)), ("after", (0.0, 1.0)))
        for place, value in enumerate(values)
    ]
    scores = [
        {"model": model, "task": TASK, "metric": "acc", "value": value, "stderr": 0.1, "items": 2}
        | {"headline": True, "higher_is_better": True}
        for model, value in (("before", 0.0), ("after", 0.5))
    ]
    with store.publish(folder / "evaluate", Identity("evaluate", {}, "test", {})) as dataset:
        dataset.write("scores", pl.DataFrame(scores, schema=EVALUATION_SCORES), EVALUATION_SCORES)
        dataset.write("items", pl.DataFrame(items, schema=EVALUATION_ITEMS), EVALUATION_ITEMS)
    return {TASK: 0.5, f"before/{TASK}": 0.0, f"gain/{TASK}": 0.5, f"{TASK}_stderr": 0.1}


def test_a_cell_of_the_loop_leaves_the_trained_model_s_scores_and_the_items_behind_them(tmp_path, monkeypatch):
    monkeypatch.setattr(compare_steps, "_run_stages", lambda _settings, folder, *_: evaluated(folder))
    config = params.load(None, ["track.uri=none", "seed=3"])
    scored = run_cell(config, {"method": "entp", "settings": [], "seed": 3}, {}, tmp_path / "metrics")
    assert scored.scores == {TASK: 0.5}
    assert scored.results.schema == RESULTS
    assert scored.results.rows() == [
        ("entp", 3, TASK, f"{TASK}/0-a", "acc", 0.0, True),
        ("entp", 3, TASK, f"{TASK}/1-a", "acc", 1.0, True),
    ]


def test_a_selector_s_cell_is_scored_on_the_same_items_and_on_held_out_rows(tmp_path, monkeypatch):
    for name in INJECTED:
        monkeypatch.delenv(name, raising=False)
    run = curated_run(tmp_path / "run")
    config = params.load(None, settings(save_tiny(tmp_path / "base"), "track.uri=none"))
    [asked] = cells_of([{"name": "untrained", "settings": [], "selector": "vanilla"}], [1], rows=6, held_out=4)
    scored = run_cell(config, asked, {name: run / name for name in ("purge", "curate")}, tmp_path / "metrics")
    assert scored.results.schema == RESULTS
    assert scored.results.group_by("task").len().sort("task").rows() == [(TASK, 4), ("held_out", 4)]
    assert set(scored.results["method"]) == {"untrained"}
    means = scored.results.group_by("task").agg(pl.col("value").mean())
    assert scored.scores == pytest.approx(dict(means.iter_rows()))


def test_the_table_has_the_intervals_of_entp_compare_over_the_first_method():
    lines = table(pl.concat([results("entp", 1, [1, 0]), results("fewer", 1, [0, 0])])).splitlines()
    assert lines[0] == "| method | seeds | quiz (acc) | lead over entp |"
    assert lines[3] == "| fewer | 1 | 0.0000 | -0.5000 (-1.0000 .. +0.0000) |"


@pytest.mark.parametrize(
    "method", [{}, {"name": "entp"}, {"name": "x", "settings": ["no value"]}, {"name": "x", "settings": "a=1"}, 1.0]
)
def test_a_malformed_method_shows_how_one_looks(method):
    with pytest.raises(UsageError, match="a method is"):
        cells_of([method], [1], 10, 5)


def test_a_setting_that_does_not_exist_is_refused_before_anything_is_trained():
    with pytest.raises(UsageError, match=r"mix\.max_pairs"):
        cells_of([{"name": "x", "settings": ["mix.max_pair=2"]}], [1], 10, 5)


def test_two_methods_of_one_name_are_refused():
    with pytest.raises(UsageError, match="one method"):
        cells_of([{"name": "x", "settings": []}, {"name": "x", "settings": []}], [1], 10, 5)


@pytest.mark.parametrize(("methods", "seeds"), [([], [1]), ([{"name": "x", "settings": []}], [])])
def test_nothing_to_compare_is_an_error(methods, seeds):
    with pytest.raises(UsageError, match="nothing to compare"):
        cells_of(methods, seeds, 10, 5)


def test_the_grid_is_every_method_with_every_seed():
    methods = [{"name": "few", "settings": ["mix.max_pairs=2"]}, {"name": "entp", "settings": []}]
    grid = cells_of(methods, [1.0, 2.0], 10, 5)
    assert [(cell["method"], cell["seed"]) for cell in grid] == [("few", 1), ("few", 2), ("entp", 1), ("entp", 2)]
    assert grid[0]["settings"] == ["mix.max_pairs=2"]
    assert cells_of(methods, [1, 2, 1], 10, 5) == grid


def test_a_selector_s_cell_holds_its_budget():
    [cell] = cells_of([{"name": "longest", "settings": [], "selector": "completion_length"}], [3], 50, 20)
    assert cell == {
        "method": "longest",
        "settings": [],
        "seed": 3,
        "selector": "completion_length",
        "rows": 50,
        "held_out": 20,
    }


@pytest.mark.parametrize(
    ("selector", "message"),
    [("longest", "no method 'longest'"), ("dsir", "chosen by likeness to a target set")],
)
def test_a_selector_that_can_t_be_is_refused_before_anything_is_trained(selector, message):
    with pytest.raises(UsageError, match=message):
        cells_of([{"name": "x", "settings": [], "selector": selector}], [1], 50, 20)

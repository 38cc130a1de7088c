"""The table of a comparison, and what makes a method."""

from __future__ import annotations

import pytest

from entp.errors import UsageError
from entp.platform.cell import cells_of, table


def cell(method: str, seed: int, **scores: float) -> dict[str, object]:
    return {"method": method, "seed": seed, "scores": scores}


def test_the_table_has_the_mean_over_seeds_and_its_interval():
    lines = table([cell("entp", 1, quiz=0.5), cell("entp", 2, quiz=0.7), cell("random", 1, quiz=0.4)]).splitlines()
    # Student's t with one degree of freedom: 12.706 * 0.1414 / sqrt(2)
    assert lines[2] == "| entp | 2 | 0.600 +- 1.271 |"
    assert lines[3] == "| random | 1 | 0.400 |"


def test_a_task_that_a_method_was_not_scored_on_is_a_dash():
    lines = table([cell("entp", 1, quiz=0.5, sums=0.1), cell("random", 1, quiz=0.4)]).splitlines()
    assert lines[3] == "| random | 1 | 0.400 | - |"


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

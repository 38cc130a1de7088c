"""The table of a comparison, and what makes a method."""

from __future__ import annotations

import pytest

from entp.errors import UsageError
from entp.platform.cell import method_settings, table


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


def test_no_cells_are_an_error():
    with pytest.raises(UsageError, match="no cells"):
        table([])


@pytest.mark.parametrize("method", [{"name": "entp"}, {"name": "x", "settings": ["no value"]}, {}])
def test_a_malformed_method_shows_how_one_looks(method):
    with pytest.raises(UsageError, match="a method is"):
        method_settings({"settings": [], **method} if method == {} else method)


def test_a_method_is_a_name_and_settings():
    assert method_settings({"name": "few", "settings": ["mix.max_pairs=2"]}) == ("few", ["mix.max_pairs=2"])

from __future__ import annotations

import math

import polars as pl
import pytest

from entp.gate.decide import Comparison, compare, decide


def task(name: str, challenger: float, champion: float, stderr: float) -> Comparison:
    return Comparison(name, challenger, champion, stderr, items=100)


def items(name: str, values: list[float], metric: str = "acc") -> pl.DataFrame:
    rows = {
        "task": name,
        "subtask": name,
        "metric": metric,
        "value": values,
        "item": [str(n) for n in range(len(values))],
    }
    return pl.DataFrame(rows)


def test_a_gain_beyond_the_noise_promotes():
    verdict = decide([task("a", 0.60, 0.50, 0.01), task("b", 0.55, 0.50, 0.01)], 1.96, 1.96)
    assert verdict.promoted
    assert verdict.gain == pytest.approx(0.075)
    assert verdict.stderr == pytest.approx(math.sqrt(0.0002) / 2)


def test_a_gain_within_the_noise_does_not():
    verdict = decide([task("a", 0.52, 0.50, 0.05)], 1.96, 1.96)
    assert not verdict.promoted
    assert "not beyond the noise" in verdict.reason


def test_one_task_that_falls_beyond_its_noise_refuses_however_much_the_others_gain():
    verdict = decide([task("a", 0.90, 0.50, 0.01), task("b", 0.40, 0.50, 0.01)], 1.96, 1.96)
    assert not verdict.promoted
    assert verdict.reason.startswith("b fell from 0.500 to 0.400")


def test_a_fall_within_the_noise_is_forgiven():
    assert decide([task("a", 0.90, 0.50, 0.01), task("b", 0.49, 0.50, 0.02)], 1.96, 1.96).promoted


def test_an_identical_model_is_not_promoted_even_without_noise():
    assert not decide([task("a", 0.5, 0.5, 0.0)], 1.96, 1.96).promoted


def test_without_common_items_nothing_can_be_said():
    verdict = decide([], 1.96, 1.96)
    assert not verdict.promoted
    assert "no evaluation item in common" in verdict.reason


def test_items_are_paired_so_that_a_shared_difficulty_is_no_noise():
    [comparison] = compare(items("a", [1.0, 0.0, 1.0, 0.0]), items("a", [0.5, -0.5, 0.5, -0.5]), {"a": True})
    assert (comparison.gain, comparison.stderr, comparison.items) == (0.5, 0.0, 4)


def test_only_items_that_both_models_answered_count():
    [comparison] = compare(items("a", [1.0, 0.0, 0.0]), items("a", [0.0, 0.0]), {"a": True})
    assert (comparison.challenger, comparison.items) == (0.5, 2)


def test_a_metric_of_which_less_is_better_gains_by_falling():
    [comparison] = compare(items("a", [2.0, 3.0]), items("a", [3.0, 4.0]), {"a": False})
    assert comparison.gain == pytest.approx(1.0)


def test_a_single_item_has_unbounded_noise():
    assert not decide(compare(items("a", [1.0]), items("a", [0.0]), {"a": True}), 1.96, 1.96).promoted

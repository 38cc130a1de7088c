"""The decision, from item values to the verdict."""

from __future__ import annotations

import math

import polars as pl
import pytest

from entp.gate.decide import Comparison, Scored, compare, decide


def task(name: str, challenger: float, champion: float, stderr: float) -> Comparison:
    return Comparison(name, challenger, champion, challenger - champion, stderr)


def scored(name: str, values: list[float], better: bool = True, first: int = 0) -> Scored:
    """A task whose score is the mean over items."""
    scores = {"task": [name], "metric": "acc", "value": sum(values) / len(values), "stderr": 0.1, "headline": True}
    items = {"task": name, "subtask": name, "metric": "acc", "value": values}
    items["item"] = [str(first + place) for place in range(len(values))]
    return Scored(pl.DataFrame(scores | {"higher_is_better": better}), pl.DataFrame(items))


def without_items(value: float, stderr: float | None) -> Scored:
    """A task whose score is no mean: perplexity, say."""
    both = scored("text", [value], better=False)
    return Scored(both.scores.with_columns(stderr=pl.lit(stderr, pl.Float64)), both.items.clear())


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
    assert verdict.reason.startswith("b went from 0.500 to 0.400")


def test_a_fall_within_the_noise_is_forgiven():
    assert decide([task("a", 0.90, 0.50, 0.01), task("b", 0.49, 0.50, 0.02)], 1.96, 1.96).promoted


def test_an_identical_model_is_not_promoted_even_without_noise():
    assert not decide([task("a", 0.5, 0.5, 0.0)], 1.96, 1.96).promoted


def test_without_common_items_nothing_can_be_said():
    verdict = decide([], 1.96, 1.96)
    assert not verdict.promoted
    assert "no evaluation item in common" in verdict.reason


def test_items_are_paired_so_that_a_shared_difficulty_is_no_noise():
    [comparison] = compare(scored("a", [1.0, 0.0] * 10), scored("a", [0.5, -0.5] * 10))
    assert (comparison.gain, comparison.stderr) == (0.5, 0.0)


def test_only_items_that_both_models_answered_count():
    [comparison] = compare(scored("a", [1.0, 0.0, 0.0]), scored("a", [0.0, 0.0]))
    assert (comparison.challenger, comparison.gain) == (0.5, 0.5)


def test_no_changed_answer_is_not_taken_for_no_noise():
    [comparison] = compare(scored("a", [1.0, 0.0] * 20), scored("a", [1.0, 0.0] * 20))
    assert (comparison.gain, comparison.stderr) == (0.0, pytest.approx(1 / 42))


def test_the_noise_of_many_right_or_wrong_items_is_that_of_their_differences():
    own, other = [1.0] * 300 + [0.0] * 700, [0.0] * 100 + [1.0] * 250 + [0.0] * 650
    [comparison] = compare(scored("a", own), scored("a", other))
    assert comparison.stderr == pytest.approx(math.sqrt(0.15 - 0.05**2) / math.sqrt(1000), rel=0.01)


def test_a_task_whose_items_are_all_different_is_left_out():
    assert compare(scored("a", [1.0, 0.0]), scored("a", [0.0, 0.0], first=2)) == []


def test_a_task_that_the_champion_never_saw_is_left_out():
    assert compare(scored("a", [1.0, 0.0]), scored("b", [0.0, 0.0])) == []


def test_a_metric_of_which_less_is_better_gains_by_falling():
    [comparison] = compare(scored("a", [2.0, 3.0], better=False), scored("a", [3.0, 4.0], better=False))
    assert (comparison.challenger, comparison.champion, comparison.gain) == (2.5, 3.5, 1.0)


def test_scores_that_are_no_means_are_compared_by_independent_standard_errors():
    [comparison] = compare(without_items(8.0, 0.3), without_items(9.0, 0.4))
    assert (comparison.gain, comparison.stderr) == (1.0, pytest.approx(0.5))


def test_a_score_without_a_standard_error_never_promotes():
    comparisons = compare(without_items(1.0, None), without_items(9.0, 0.4))
    assert not decide(comparisons, 1.96, 1.96).promoted


def test_nine_items_are_too_few_however_clear_they_look():
    verdict = decide(compare(scored("a", [1.0] * 9), scored("a", [0.0] * 9)), 1.96, 1.96)
    assert not verdict.promoted
    assert "too few items" in verdict.reason


def test_a_gain_has_to_be_worth_it_and_beyond_the_noise_of_that():
    # A clear gain of 0.1 with next to no noise.
    comparisons = compare(scored("a", [0.6, 0.5, 0.6, 0.5] * 10), scored("a", [0.5, 0.4, 0.5, 0.4] * 10))
    assert decide(comparisons, 1.96, 1.96, min_gain=0.05).promoted
    refused = decide(comparisons, 1.96, 1.96, min_gain=0.2)
    assert not refused.promoted
    assert "less than gate.min_gain=0.2 asks for" in refused.reason


def test_a_gain_that_may_be_less_than_worth_it_is_refused():
    generator = [0.0, 0.3] * 20
    verdict = decide(compare(scored("a", generator), scored("a", [0.0] * 40)), 1.96, 1.96, min_gain=0.14)
    assert not verdict.promoted
    assert "not beyond gate.min_gain=0.14 by the noise" in verdict.reason

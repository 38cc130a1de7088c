"""The parts of `benchmarks/mix.py` that need no vLLM."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.mix import Asked, Flat, Mixed, compared, occupancy, pairs_of_pool, speed, steady_speed
from entp import params

ROOT = Path(__file__).parent.parent.parent


def asked(began: float, ended: float, tokens: int) -> Asked:
    return Asked([1, 2, 3], {}, began, ended, tokens)


def mixed(requests: list[Asked], seconds: float, lives: list[tuple[float, float]]) -> Mixed:
    return Mixed(requests, seconds, lives, 0.1, {"fused": len(lives)}, 2)


#: Two pairs under way at once, three in all: the third begins when the first ends.
RUN = mixed([asked(0, 4, 40), asked(0, 10, 100), asked(4, 6, 10), asked(6, 10, 20)], 10.0, [(0, 4), (0, 10), (6, 10)])


def test_the_speed_is_that_of_the_whole_run():
    assert speed(RUN) == pytest.approx(170 / 10)


def test_the_steady_speed_is_that_between_the_first_end_and_the_last_start():
    assert steady_speed(RUN) == pytest.approx((100 * 2 / 10 + 10) / 2)


def test_there_is_no_steady_state_where_all_pairs_begin_at_once():
    assert steady_speed(mixed([asked(0, 4, 40)], 4.0, [(0, 4), (0, 3)])) is None


def test_occupancy_is_the_mean_number_of_requests_under_way():
    assert occupancy(RUN) == pytest.approx((4 + 10 + 2 + 4) / 10)


def test_medians_of_all_runs_are_compared():
    slow = mixed(RUN.asked, 20.0, RUN.lives)
    found = compared([(RUN, Flat(170, 10.0)), (slow, Flat(170, 8.5)), (slow, Flat(170, 8.5))])
    assert found["ours"]["median"] == pytest.approx(8.5)
    assert found["rival"]["median"] == pytest.approx(20.0)
    assert found["ratio"] == pytest.approx(0.425)
    assert found["details"]["output_tokens"] == {"ours": 170, "rival": 170}


def test_pairs_are_of_one_language_distinct_and_the_same_each_time(tmp_path):
    settings = params.load()
    pairs = pairs_of_pool(settings, 40, tmp_path / "first")
    assert all(pair.parents[0].language == pair.parents[1].language for pair in pairs)
    assert len({frozenset(parent.id for parent in pair.parents) for pair in pairs}) == 40
    assert pairs == pairs_of_pool(settings, 40, tmp_path / "second")


@pytest.mark.parametrize("name", ["mix", "client"])
def test_the_commands_start(name):
    told = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "--runs" in told.stdout

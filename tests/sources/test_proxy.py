"""DoReMi with a real model of a few kilobytes as proxy and reference."""

from __future__ import annotations

import random

import numpy as np
import pytest

from entp.config import TrainConfig
from entp.sources.proxy import _turns, proxy_weights
from entp.train.examples import Example
from tests.train.tiny import save_tiny


def example(tokens: list[int]) -> Example:
    return Example(tokens, tokens)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    return TrainConfig(
        model=str(save_tiny(tmp_path_factory.mktemp("model") / "tiny")), batch_size=2, learning_rate=0.01
    )


def test_a_source_that_can_be_learnt_gains_over_noise(config: TrainConfig):
    chance = random.Random(0)
    regular = [example([10, 11, 12, 13] * 8) for _ in range(60)]
    noise = [example([chance.randrange(3, 259) for _ in range(32)]) for _ in range(60)]
    weights = proxy_weights([noise, regular], config, steps=30, seed=1)
    assert weights.sum() == pytest.approx(1)
    assert weights[1] > 0.6


def test_like_sources_weigh_alike(config: TrainConfig):
    sources = [[example([10, 11, 12, 13] * 8) for _ in range(40)] for _ in range(2)]
    assert proxy_weights(sources, config, steps=10, seed=1) == pytest.approx([0.5, 0.5], abs=0.05)


def test_the_same_seed_gives_the_same_weights(config: TrainConfig):
    sources = [[example([start, start + 1] * 8) for _ in range(6)] for start in (10, 20, 30)]
    first, second = (proxy_weights(sources, config, steps=4, seed=5) for _ in range(2))
    assert first.tolist() == second.tolist()


def test_many_sources_take_turns():
    turns = _turns(20, 5, np.random.default_rng(0))
    assert [len(set(turn.tolist())) for turn in turns[:2]] == [8, 8]
    assert np.bincount(np.concatenate(turns), minlength=20).min() >= 1

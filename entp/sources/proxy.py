"""DoReMi (Xie et al. 2023, arXiv 2305.10429): weights of sources from the training of a small proxy model.

A reference is trained on rows as they come; then the proxy, from the same start, on batches from all sources alike,
whose losses weigh by the sources' weights. At each step these go up for the sources in which it lags behind the
reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from entp.config import TrainConfig
from entp.progress import progress
from entp.sources.weights import doremi_step
from entp.train.descent import descend, optimizer_of, token_losses
from entp.train.examples import Example
from entp.train.model import load_model, with_adapters

#: Sources in one step, by turns; those that are not in it keep the excess loss they had.
SOURCES_PER_STEP = 8


def proxy_weights(by_source: Sequence[Sequence[Example]], config: TrainConfig, steps: int, seed: int) -> np.ndarray:
    """The mean over the steps of the weights [k] of sources with these examples.

    Model, adapters and learning rate are `config`'s. A step reads an example of each source (of eight by turns, where
    there are more), and the reference as many examples as all steps together.
    """
    chance = np.random.default_rng(seed)
    pool = [example for examples in by_source for example in examples]
    read = min(len(pool), steps * min(len(by_source), SOURCES_PER_STEP))
    reference = with_adapters(load_model(config), config, seed)
    descend(reference, [pool[place] for place in chance.permutation(len(pool))[:read]], config, 1, seed)
    reference.eval()

    proxy = with_adapters(load_model(config), config, seed)
    proxy.train()
    optimizer = optimizer_of(proxy, config)
    weights = np.full(len(by_source), 1 / len(by_source))
    excess = np.zeros(len(by_source))
    seen = np.zeros_like(weights)
    with progress("sources: train the proxy", steps) as advance:
        for chosen in _turns(len(by_source), steps, chance):
            batch = [_any(by_source[source], chance) for source in chosen]
            excess[chosen] = _step(proxy, reference, batch, weights[chosen], optimizer)
            weights = doremi_step(weights, excess)
            seen += weights
            advance(1)
    return seen / steps


def _step(proxy: Any, reference: Any, batch: Sequence[Example], weights: np.ndarray, optimizer: Any) -> list[float]:
    """Train on a batch by the weights; the excess loss on each example before that, clipped token by token."""
    import torch

    lags = []
    for example, weight in zip(batch, weights / weights.sum(), strict=True):
        losses = token_losses(proxy, example)
        with torch.inference_mode():
            expected = token_losses(reference, example)
            lags.append(float((losses.detach() - expected).clamp(min=0).mean()))
        (losses.mean() * float(weight)).backward()
    optimizer.step()
    optimizer.zero_grad()
    return lags


def _any(examples: Sequence[Example], chance: np.random.Generator) -> Example:
    return examples[int(chance.integers(len(examples)))]


def _turns(sources: int, steps: int, chance: np.random.Generator) -> list[np.ndarray]:
    """The sources of each step: all of them, or eight at a time, so that each has its turn."""
    if sources <= SOURCES_PER_STEP:
        return [np.arange(sources)] * steps
    rounds = -(-steps * SOURCES_PER_STEP // sources)
    order = np.concatenate([chance.permutation(sources) for _ in range(rounds + 1)])
    return [order[step * SOURCES_PER_STEP : (step + 1) * SOURCES_PER_STEP] for step in range(steps)]

"""LESS: how far training on a sample moves the model to where the target wants it (Xia et al. 2024, arXiv 2402.04333).

Adapters are warmed up on a part of the pool; then each sample's gradient is turned into the step that Adam would take
with it, each target item's is left as it is, both are projected to few dimensions, and

    influence(z) = max over the target's groups of cos(step(z), mean gradient of the group)

at one checkpoint (the paper sums over four). Groups are the target's sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from entp.progress import progress
from entp.records import chances
from entp.select.signals.pool import Computed, Pool, wanted
from entp.train.base import load_model, load_tokenizer
from entp.train.chat_template import marked_template
from entp.train.descent import descend, loss_of
from entp.train.examples import Encoded, Example, encode
from entp.train.sft import with_adapters

#: Share of the pool that adapters are warmed up on, and how often (section 3.3: 5 % and four epochs).
WARM_UP_SHARE, WARM_UP_EPOCHS = 0.05, 4
#: Fewer samples than this are no warm-up (our choice).
WARM_UP_SAMPLES = 32
#: Dimensions kept (the paper's d).
DIMENSIONS = 8192
BETAS, EPSILON = (0.9, 0.999), 1e-8


def compute(pool: Pool) -> Computed:
    """`influence` of each sample; null for one that leaves no answer to learn from."""
    config, seed = pool.config.train, pool.config.seed
    tokenizer = load_tokenizer(config)
    template = marked_template(tokenizer, config.model)
    own, target = (encode(tokenizer, template, rows, config.max_length) for rows in (pool.samples, wanted(pool)))
    model = with_adapters(load_model(config), config, seed)
    rows = warm_up(own, pool.samples["id"], seed)
    optimizer = descend(model, rows, config, WARM_UP_EPOCHS, seed)
    steps = projected(adam_steps(model, optimizer, own.examples, "select: gradients"), seed)
    aims = projected(plain_gradients(model, target.examples, "select: target gradients"), seed)
    groups = wanted(pool)["source"].gather(list(target.places)).to_list()
    tokens = own.tokens + target.tokens + WARM_UP_EPOCHS * sum(len(example.input_ids) for example in rows)
    return Computed(
        pool.samples.select("id").with_columns(influence=_placed(influence(steps, aims, groups), own, pool)), tokens
    )


def warm_up(own: Encoded, ids: pl.Series, seed: int) -> list[Example]:
    """The samples that adapters are warmed up on, by chance."""
    lots = chances(ids.gather(list(own.places)), seed).to_numpy()
    count = max(round(WARM_UP_SHARE * len(lots)), min(WARM_UP_SAMPLES, len(lots)))
    return [own.examples[place] for place in np.argsort(lots)[:count]]


def influence(steps: np.ndarray, aims: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    """Influence [n] of steps [n, d] on aims [m, d] that belong to groups [m]: the largest cosine to a group's mean."""
    names = np.array(groups)
    means = np.stack([aims[names == name].mean(axis=0) for name in sorted(set(groups))])
    return np.asarray((unit(steps) @ unit(means).T).max(axis=1).astype(np.float64))


def unit(rows: np.ndarray) -> np.ndarray:
    """The rows at length 1."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30))


def plain_gradients(model: Any, examples: Sequence[Example], title: str) -> Iterator[np.ndarray]:
    """Gradient [p] of each example's mean loss for all trainable weights, on end."""
    import torch

    weights = _trainable(model)
    model.eval()
    with progress(title, len(examples)) as advance:
        for example in examples:
            gradients = torch.autograd.grad(loss_of(model, example), weights)
            yield torch.cat([gradient.flatten().float() for gradient in gradients]).cpu().numpy()
            advance(1)


def adam_steps(model: Any, optimizer: Any, examples: Sequence[Example], title: str) -> Iterator[np.ndarray]:
    """The step [p] that Adam would take next with each example's gradient alone."""
    moments = _moments(model, optimizer)
    for gradient in plain_gradients(model, examples, title):
        yield moments.step(gradient)


@dataclass(frozen=True)
class Moments:
    """Adam's running means of gradients and of their squares [p], after `steps` steps."""

    first: np.ndarray
    second: np.ndarray
    steps: int

    def step(self, gradient: np.ndarray) -> np.ndarray:
        """Adam's next step, without the learning rate."""
        first = BETAS[0] * self.first + (1 - BETAS[0]) * gradient
        second = BETAS[1] * self.second + (1 - BETAS[1]) * gradient**2
        ahead = self.steps + 1
        return np.asarray((first / (1 - BETAS[0] ** ahead)) / (np.sqrt(second / (1 - BETAS[1] ** ahead)) + EPSILON))


def projected(vectors: Iterator[np.ndarray], seed: int, dimensions: int = DIMENSIONS) -> np.ndarray:
    """The vectors [n, p] in fewer dimensions [n, d], with their inner products kept in the mean.

    Every coordinate is added to one of d sums, with a sign, both by chance (Charikar et al. 2002; Weinberger et al.
    2009): as good as the paper's dense random signs, and a pass over p numbers in place of p times d.
    """
    rows: list[np.ndarray] = []
    places, signs = np.empty(0, np.int64), np.empty(0)
    for vector in vectors:
        if not len(places):
            generator = np.random.default_rng([seed, len(vector)])
            places = generator.integers(0, dimensions, len(vector))
            signs = generator.choice(np.array([-1.0, 1.0]), len(vector))
        rows.append(np.bincount(places, vector * signs, dimensions).astype(np.float32))
    return np.stack(rows) if rows else np.empty((0, dimensions), np.float32)


def _trainable(model: Any) -> list[Any]:
    return [weights for weights in model.parameters() if weights.requires_grad]


def _moments(model: Any, optimizer: Any) -> Moments:
    import torch

    states = [optimizer.state[weights] for weights in _trainable(model)]
    first, second = (
        torch.cat([state[name].flatten().float() for state in states]).cpu().numpy()
        for name in ("exp_avg", "exp_avg_sq")
    )
    return Moments(first, second, int(states[0]["step"]))


def _placed(values: np.ndarray, own: Encoded, pool: Pool) -> pl.Series:
    placed: list[float | None] = [None] * pool.samples.height
    for place, value in zip(own.places, values.tolist(), strict=True):
        placed[place] = value
    return pl.Series(placed, dtype=pl.Float64)

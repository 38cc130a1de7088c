"""LESS: how far training on a sample moves the model to where the target wants it (Xia et al. 2024, arXiv 2402.04333).

Adapters are warmed up on a part of the pool. Then each sample's gradient is turned into the step that Adam would take
with it, each target item's is left as it is, and both are projected to few dimensions:

    influence(z) = max over groups of mean over checkpoints of cos(step(z), mean gradient of the group)

The target's groups are its sources. (The paper weighs checkpoints by their learning rates; ours have one rate.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from entp import atomic, source_code
from entp.llm.embedded import model_identity
from entp.progress import progress
from entp.records import digest_of
from entp.select.signals.gradients import Adam, adam_of, gradients, width
from entp.select.signals.pool import Computed, Pool, wanted
from entp.select.signals.projection import Projection, drawn
from entp.select.signals.training import adapted, by_chance, encoded, placed
from entp.train.descent import descend
from entp.train.examples import Example

#: Share of the pool that adapters are warmed up on, and how often (section 3: 5 %, four epochs).
WARM_UP_SHARE, WARM_UP_EPOCHS = 0.05, 4
#: Fewer samples than this are no warm-up (our choice).
WARM_UP_SAMPLES = 32
#: Epochs of it after which gradients are taken: the paper does so after each, at four times the cost.
CHECKPOINTS = (4,)
#: Dimensions kept (the paper's d). The influences of 50 Alpaca rows then correlate by 0.92 to 0.95 (three seeds) with
#: those of SmolLM2-135M's whole gradients; with 2,048 dimensions by 0.71 to 0.79, with 65,536 by 0.99.
DIMENSIONS = 8192
#: Samples whose steps are kept in one file: what a kill can cost (our choice).
BLOCK = 128


def compute(pool: Pool) -> Computed:
    """`influence` (-1..1) of each sample; null for one that leaves no answer to learn from.

    Steps are kept in the cache (16 KB a sample): a killed run goes on, and another target costs its own gradients only.
    Raises DataError where the pool or the target has nothing to learn from.
    """
    config, seed = pool.config.train, pool.config.seed
    own, target = encoded(pool, pool.samples), encoded(pool, wanted(pool))
    groups = wanted(pool)["source"].gather(list(target.places)).to_list()
    model = adapted(pool)
    rows = warm_up(by_chance(own, pool))
    projection = drawn(width(model), DIMENSIONS, seed)
    folder = pool.cache / "gradients" / _question(pool, rows)
    optimizer, cosines = None, []
    for epoch in range(1, WARM_UP_EPOCHS + 1):
        optimizer = descend(model, rows, config, 1, seed + epoch, optimizer)
        if epoch not in CHECKPOINTS:
            continue
        checkpoint = Checkpoint(model, adam_of(model, optimizer), projection, folder / str(epoch))
        aims = checkpoint.aims(target.examples, groups)
        cosines.append(np.concatenate([steps @ aims.T for steps in checkpoint.steps(own.examples)]))
    found = np.mean(cosines, axis=0).max(axis=1)
    trained = WARM_UP_EPOCHS * sum(len(example.input_ids) for example in rows)
    frame = pool.samples.select("id").with_columns(influence=placed(np.round(found, 6), own, pool))
    return Computed(frame, trained + len(CHECKPOINTS) * (own.tokens + target.tokens))


def warm_up(shuffled: Sequence[Example]) -> Sequence[Example]:
    """The samples that adapters are warmed up on."""
    return shuffled[: max(round(WARM_UP_SHARE * len(shuffled)), WARM_UP_SAMPLES)]


@dataclass(frozen=True)
class Checkpoint:
    """A model in its warm-up, and where Adam stands in it; `folder` keeps the steps that are taken from there."""

    model: Any
    adam: Adam
    projection: Projection
    folder: Path

    def aims(self, items: Sequence[Example], groups: Sequence[str]) -> np.ndarray:
        """Direction [g, d] of the mean gradient of each group of target items, in the order of the groups' names."""
        with progress("select: target gradients", len(items)) as advance:
            rows = np.stack([self.projection(gradient) for gradient in gradients(self.model, items, advance)])
        names = np.array(groups)
        return unit(np.stack([rows[names == name].mean(axis=0) for name in sorted(set(groups))]))

    def steps(self, examples: Sequence[Example]) -> Iterator[np.ndarray]:
        """Direction of the step that Adam would take with each example, in blocks [n, d]."""
        with progress("select: gradients", len(examples)) as advance:
            for start in range(0, len(examples), BLOCK):
                block = examples[start : start + BLOCK]
                name = digest_of([[example.input_ids, example.labels] for example in block])
                path = self.folder / f"{name}.npy"
                if path.exists():
                    advance(len(block))
                else:
                    taken = gradients(self.model, block, advance)
                    keep(path, unit(np.stack([self.projection(self.adam.step(gradient)) for gradient in taken])))
                yield kept(path)


def unit(rows: np.ndarray) -> np.ndarray:
    """The rows at length 1."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30))


def keep(path: Path, rows: np.ndarray) -> None:
    """Write the rows in half precision, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.new_file(path) as partial:
        np.save(partial, rows.astype(np.float16), allow_pickle=False)


def kept(path: Path) -> np.ndarray:
    """The rows that `keep` wrote."""
    return np.asarray(np.load(path, allow_pickle=False).astype(np.float32))


def _question(pool: Pool, rows: Sequence[Example]) -> str:
    """All that the steps hang on, besides the samples themselves."""
    config = pool.config.train
    model = model_identity(config.model, config.revision)
    warmed = [[example.input_ids, example.labels] for example in rows]
    return digest_of([model, config.model_dump(), pool.config.seed, warmed, DIMENSIONS, source_code.version(__name__)])

"""How early in a training a sample is learnt (Mekala et al. 2024, arXiv 2402.10430).

LP(1) = (ppl_0 - ppl_1) / (ppl_0 - ppl_n): of the drop of its perplexity in n epochs, the share that the first brings.
"""

from __future__ import annotations

import numpy as np

from entp.select.signals.pool import Computed, Pool
from entp.select.signals.training import adapted, by_chance, encoded, placed
from entp.train.descent import descend
from entp.train.validation import losses_of

#: n (the paper's).
EPOCHS = 3


def compute(pool: Pool) -> Computed:
    """`learning_percentage` of each sample; null where it has no answer, or none of its perplexity was lost.

    Raises DataError where no sample has an answer to learn from.
    """
    config, seed = pool.config.train, pool.config.seed
    own = encoded(pool, pool.samples)
    rows, model = by_chance(own, pool), adapted(pool)
    losses = [losses_of(model, own.examples, "select: losses before")]
    optimizer = descend(model, rows, config, 1, seed)
    losses.append(losses_of(model, own.examples, "select: losses after one epoch"))
    descend(model, rows, config, EPOCHS - 1, seed + 1, optimizer)
    losses.append(losses_of(model, own.examples, "select: losses at the end"))
    shares = learning_percentage(*(np.exp(values) for values in losses))
    frame = pool.samples.select("id").with_columns(learning_percentage=placed(shares, own, pool))
    return Computed(frame, own.tokens * (EPOCHS + len(losses)))


def learning_percentage(before: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """LP(1) of perplexities [n] before, after the first and after the last epoch; NaN where nothing was learnt."""
    drop = before - last
    return np.asarray(np.where(drop > 0, (before - first) / np.where(drop > 0, drop, 1.0), np.nan))

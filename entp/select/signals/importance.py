"""DSIR's importance weights: how much likelier a text is in the target than in the pool (Xie et al. 2023).

A text is a bag of hashed words and pairs of words in 10,000 buckets. With the buckets' shares p in the target and q in
the pool, log w(x) = sum over the text's features of log p(bucket) - log q(bucket) (arXiv 2302.03169, section 4).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from entp.select.signals.lexicon import whole_texts
from entp.select.signals.pool import Computed, Pool, wanted
from entp.text.tokens import Tokens, hashed_runs, lower_tokens

#: The paper's number of buckets.
BUCKETS = 10_000
#: Added to each bucket's count, so that none is impossible (our choice: the paper's code adds 1e-8 to the shares).
SMOOTHING = 1.0


def compute(pool: Pool) -> Computed:
    """`importance`: log importance weight of each sample."""
    own, target = (lower_tokens(pl.Series(whole_texts(samples))) for samples in (pool.samples, wanted(pool)))
    return Computed(pool.samples.select("id", importance=pl.Series(log_weights(own, target))))


def log_weights(own: Tokens, target: Tokens) -> np.ndarray:
    """Log importance weight [n] of each of our texts."""
    buckets, owners = _features(own)
    ratio = np.log(_shares(_features(target)[0])) - np.log(_shares(buckets))
    return np.bincount(owners, weights=ratio[buckets], minlength=len(own.counts))


def _features(found: Tokens) -> tuple[np.ndarray, np.ndarray]:
    """The bucket of every word and pair of neighbouring words, and the text that each is from."""
    hashes, counts = found.words()
    pairs, pair_counts = hashed_runs(hashes, counts, 2)
    texts = np.arange(len(counts))
    buckets = np.concatenate([hashes, pairs]) % np.uint64(BUCKETS)
    return buckets.astype(np.int64), np.concatenate([np.repeat(texts, counts), np.repeat(texts, pair_counts)])


def _shares(buckets: np.ndarray) -> np.ndarray:
    counts = np.bincount(buckets, minlength=BUCKETS) + SMOOTHING
    return np.asarray(counts / counts.sum())

"""Tiers by curated score and by how sure the neighbourhood is of the tier (our choice; DS2 cuts on scores only).

Six scores divide a vote of about ten neighbours finely: three 1s and four 2s are a clear "low quality" although
neither score has a majority. So a tier asks for the vote's mass on its whole *band* of scores, not on one score.
"""

from __future__ import annotations

import numpy as np

from entp.config import CurateConfig


def band_confidence(votes: np.ndarray, curated: np.ndarray, config: CurateConfig) -> np.ndarray:
    """Share of the vote (0..1) inside the band of each curated score: low, middle or high, as `config` cuts them."""
    band_of_score = _bands(np.arange(votes.shape[1]), config)
    same_band = band_of_score[None, :] == _bands(curated, config)[:, None]
    return (votes * same_band).sum(axis=1)


def assign_tiers(curated: np.ndarray, confidence: np.ndarray, config: CurateConfig) -> np.ndarray:
    """`HQ`, `LQ` or `undecided`: a high or low curated score with at least `min_confidence` of the vote in its band."""
    names = np.array(["LQ", "undecided", "HQ"], dtype=object)[_bands(curated, config)]
    return np.where(confidence >= config.min_confidence, names, "undecided")


def _bands(scores: np.ndarray, config: CurateConfig) -> np.ndarray:
    """0 low, 1 middle, 2 high."""
    return 1 - (scores <= config.low_quality_to).astype(int) + (scores >= config.high_quality_from).astype(int)

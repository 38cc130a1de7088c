from __future__ import annotations

import numpy as np

from entp.config import CurateConfig
from entp.curate.tiers import assign_tiers, band_confidence

CONFIG = CurateConfig(high_quality_from=4, low_quality_to=2, min_confidence=0.5)


def test_confidence_counts_the_whole_band_of_the_curated_score():
    votes = np.array([[0.2, 0.3, 0.2, 0.1, 0.1, 0.1]] * 3)
    assert np.allclose(band_confidence(votes, np.array([1, 3, 5]), CONFIG), [0.7, 0.1, 0.2])


def test_tiers_follow_the_curated_score():
    tiers = assign_tiers(np.array([0, 2, 3, 4, 5]), np.ones(5), CONFIG)
    assert tiers.tolist() == ["LQ", "LQ", "undecided", "HQ", "HQ"]


def test_an_unsure_sample_is_undecided_whatever_its_score():
    tiers = assign_tiers(np.array([0, 0, 5, 5]), np.array([0.49, 0.5, 0.49, 0.5]), CONFIG)
    assert tiers.tolist() == ["undecided", "LQ", "undecided", "HQ"]

from __future__ import annotations

import numpy as np

from benchmarks import curate, hoc
from entp.curate.transition import third_order_consensus
from tests.curate.planted import N_SCORES, neighbours_of_equal_score, observe, plant


def test_both_sides_count_the_same_triples():
    true = plant(3_000, 0)[1]
    observed, neighbours = observe(true, plant(10, 0)[0], 0), neighbours_of_equal_score(true, 2, 0)
    sampled = hoc.sampled_consensus(observed, neighbours, N_SCORES)
    in_both_orders = (sampled + sampled.transpose(0, 2, 1)) / 2
    assert np.allclose(in_both_orders, third_order_consensus(observed, neighbours, N_SCORES))


def test_a_fifth_of_the_neighbours_is_broken_in_all_neighbourhoods_but_the_first():
    true = plant(20_000, 0)[1]
    neighbours = neighbours_of_equal_score(true, 2, 0)
    for name in curate.NEIGHBOURHOODS:
        broken = curate.changed(name, neighbours, true, 0) != neighbours
        assert abs(broken.mean() - (0 if name == "shared" else curate.BROKEN)) < 0.02

from __future__ import annotations

import numpy as np
import pytest

from entp.pair.candidates import in_own_cluster
from entp.pair.left_over import left_over, reason
from entp.params import load
from entp.records import LEFT_OVER_REASONS
from tests.pair.pools import fan, pool


@pytest.mark.parametrize(
    ("possible", "too_different", "too_similar", "expected"),
    [
        (3, 0, 7, "partner_taken"),
        (0, 6, 4, "too_different"),
        (0, 5, 5, "too_different"),
        (0, 4, 6, "too_similar"),
        (0, 0, 0, "alone_in_group"),
    ],
)
def test_the_reason_is_where_the_neighbours_lie(possible, too_different, too_similar, expected):
    assert reason(possible, too_different, too_similar) == expected
    assert expected in LEFT_OVER_REASONS


def test_whoever_is_in_no_pair_has_a_reason():
    samples = pool(fan(0, 45, 20, 180, 182, 90), languages=["en"] * 5 + ["zh"])
    candidates = in_own_cluster(samples, np.zeros(6, dtype=np.int64), load(overrides=["pair.neighbours=1"]))
    chosen = [edge for edge in candidates.edges if (edge.first, edge.second) == (1, 2)]
    assert left_over(candidates, chosen) == {
        0: "too_similar",
        3: "too_similar",
        4: "too_similar",
        5: "alone_in_group",
    }

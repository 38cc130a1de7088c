"""Who is paired with whom: the strategies as a table (`pair.strategy`), ours and the three it is compared with.

| strategy        | seeks partners among                  | maximises the summed   |
|-----------------|---------------------------------------|------------------------|
| `complementary` | nearest of its own cluster, in window | complementarity        |
| `nearest`       | nearest of its own cluster, in window | similarity             |
| `cross_cluster` | nearest of other clusters, in window  | complementarity        |
| `random`        | one drawn from the whole pool         | nothing                |

Each rival takes one thing away: `nearest` the complementarity, `cross_cluster` the domain, `random` all of it. All
pairs are disjoint, of one language, and those of representatives come first, so that equal budgets are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from entp.config import Config
from entp.pair.candidates import Candidates, Edge, by_chance, in_other_clusters, in_own_cluster
from entp.pair.pool import Pool


@dataclass(frozen=True)
class Strategy:
    """`find` yields the candidates of a pool whose rows have these clusters; `weight` is what a pair is worth."""

    find: Callable[[Pool, np.ndarray, Config], Candidates]
    weight: Callable[[Edge], float]


STRATEGIES: Mapping[str, Strategy] = {
    "complementary": Strategy(in_own_cluster, attrgetter("complementarity")),
    "nearest": Strategy(in_own_cluster, attrgetter("similarity")),
    "cross_cluster": Strategy(in_other_clusters, attrgetter("complementarity")),
    "random": Strategy(by_chance, lambda _: 1.0),
}

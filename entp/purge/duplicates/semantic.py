"""Samples that mean the same in other words: SemDeDup (Abbas et al. 2023), with a guard for small groups.

The vectors (`entp.embed.embed_samples`) are clustered by k-means, and inside each cluster a sample whose cosine to a
kept one is above 1 - eps is a duplicate of it. Pairs that a cluster border separates are missed: that is the method's
price for not comparing all with all. Two things differ from the reference code
(facebookresearch/SemDeDup):

- It keeps, by default, the copy farthest from the cluster's centre (nearest, or any, by option), whatever its worth. We
  keep the copy that the caller ranks first (best rating if known, else longer response, else smallest id).
- It drops a sample that is close to any earlier one, kept or not. We compare with kept ones only, so that every
  sample dropped names a survivor it is really close to.

The guard is FairDeDup's thought (Slyman et al. 2024): of several copies it keeps one of a concept that is poorly
represented so far. Our groups are known, not guessed from prototypes: a group (source and language, say) that has fewer
samples than an even share goes first, and gives up no larger a share of its samples than the whole pool does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

#: Samples per cluster aimed at: the comparisons within grow with it, the pairs missed at borders shrink.
CLUSTER_SIZE = 1000
#: Rounds of k-means, and samples per cluster that it learns from.
ROUNDS = 15
TRAINED_PER_CLUSTER = 64
#: Rows compared at a time.
BLOCK = 1024
#: Cosines are rounded before they are compared: the last bits depend on how the product was computed.
DECIMALS = 5


def survivor_rank(ids: Sequence[str], lengths: np.ndarray, ratings: np.ndarray | None = None) -> np.ndarray:
    """Ranks [n], 0 first: by best rating where there are any (NaN last), then longer response, then smallest id."""
    rated = np.zeros(len(ids)) if ratings is None else np.nan_to_num(ratings, nan=-np.inf)
    order = np.lexsort((np.asarray(ids, dtype=str), -lengths, -rated))
    rank = np.empty(len(ids), np.int64)
    rank[order] = np.arange(len(ids))
    return rank


def semantic_duplicates(
    vectors: np.ndarray, rank: np.ndarray, groups: np.ndarray, eps: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """For each sample the index of its survivor [n] (its own where it is kept), and the cosine between the two [n].

    `vectors` are unit-length [n, d]; `rank` [n] orders the samples, likeliest survivor first; `groups` [n] are labels
    of any kind, all equal for no guard. The result follows the samples, not their order. Raises ValueError where two
    samples have the same rank: the order would then decide.
    """
    count = len(vectors)
    if len(np.unique(rank)) != count:
        raise ValueError("two samples have the same rank; give every sample a rank of its own")
    number = np.unique(groups, return_inverse=True)[1]
    order = np.lexsort((rank, ~_is_small(number)[number]))
    points = np.ascontiguousarray(vectors[order], dtype=np.float32)
    survivor, cosine = np.arange(count), np.ones(count)
    labels = clusters(points, seed)
    by_label = np.argsort(labels, kind="stable")
    for members in np.split(by_label, np.cumsum(np.bincount(labels))[:-1]) if count else ():
        _keep_first(points, members, 1 - eps, survivor, cosine)
    _give_back(number[order], survivor, cosine)
    back, close = np.empty(count, np.int64), np.empty(count)
    back[order], close[order] = order[survivor], cosine
    return back, close


def clusters(points: np.ndarray, seed: int) -> np.ndarray:
    """k-means labels [n] of unit-length points, about CLUSTER_SIZE to a cluster."""
    import faiss

    wanted = round(len(points) / CLUSTER_SIZE)
    if wanted < 2:
        return np.zeros(len(points), np.int64)
    model = faiss.Kmeans(
        points.shape[1],
        wanted,
        niter=ROUNDS,
        seed=seed,
        spherical=True,
        min_points_per_centroid=1,
        max_points_per_centroid=TRAINED_PER_CLUSTER,
    )
    model.train(points)
    return np.asarray(model.index.search(points, 1)[1].ravel(), np.int64)


def _keep_first(
    points: np.ndarray, members: np.ndarray, above: float, survivor: np.ndarray, cosine: np.ndarray
) -> None:
    """Among `members`, in their order, give each one that is close to a kept one the closest of these."""
    own = points[members]
    kept = np.ones(len(members), bool)
    for start in range(0, len(members), BLOCK):
        block = np.arange(start, min(start + BLOCK, len(members)))
        # Ranks ascend along both: who may survive is to the left of the diagonal, and is known when a row is reached.
        ahead = np.concatenate([np.flatnonzero(kept[:start]), block])
        similar = np.round(own[block] @ own[ahead].T, DECIMALS)
        rows, columns = np.nonzero((similar > above) & (ahead < block[:, None]))
        firsts = np.flatnonzero(np.diff(rows, prepend=-1))
        for first, end in pairwise([*firsts, len(rows)]):
            row, near = rows[first], columns[first:end]
            standing = near[kept[ahead[near]]]
            if len(standing):
                best = standing[np.argmax(similar[row, standing])]
                copy = members[block[row]]
                kept[block[row]] = False
                survivor[copy], cosine[copy] = members[ahead[best]], similar[row, best]


def _give_back(groups: np.ndarray, survivor: np.ndarray, cosine: np.ndarray) -> None:
    """Keep, of each small group, the least similar copies that go beyond the pool's share of losses."""
    dropped = survivor != np.arange(len(survivor))
    share = dropped.mean() if len(dropped) else 0.0
    for group in np.flatnonzero(_is_small(groups)):
        lost = np.flatnonzero(dropped & (groups == group))
        allowed = int(share * (groups == group).sum())
        spared = lost[np.argsort(-cosine[lost], kind="stable")][allowed:]
        survivor[spared], cosine[spared] = spared, 1.0


def _is_small(groups: np.ndarray) -> np.ndarray:
    """For each group number, whether it has fewer samples than an even share of the pool."""
    sizes = np.bincount(groups)
    return np.asarray(sizes * len(sizes) < len(groups))

"""Hold out whole clusters, so that no row for validation has a relative among those for training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import polars as pl

from entp.records import digest_of


def hold_out(rows: pl.DataFrame, share: float, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Training and validation rows of a CANDIDATES table, in its order.

    A fusion's family is its pair's cluster; an HQ sample, which has no cluster, is a family of its own; families that
    share a parent are one. Families go to validation in the order of a seeded hash, as long as they fit into `share`
    of the rows of their kind (fusions or HQ): where every cluster is larger than that, no fusion is held out.
    """
    families = _families(rows)
    is_fusion = dict.fromkeys(families, False)
    for family, origin in zip(families, rows["origin"], strict=True):
        is_fusion[family] |= origin != "hq"
    sizes = Counter(families)
    held: set[str] = set()
    for kind in (True, False):
        held |= _fitting({family: sizes[family] for family in sizes if is_fusion[family] is kind}, share, seed)
    mask = pl.Series([family in held for family in families], dtype=pl.Boolean)
    return rows.filter(~mask), rows.filter(mask)


def _fitting(sizes: Mapping[str, int], share: float, seed: int) -> set[str]:
    """Families in the order of chance, each that still fits into `share` of their rows."""
    room = round(share * sum(sizes.values()))
    chosen = set()
    for family in sorted(sizes, key=lambda family: digest_of([seed, family])):
        if sizes[family] <= room:
            chosen.add(family)
            room -= sizes[family]
    return chosen


def _families(rows: pl.DataFrame) -> list[str]:
    """Name of each row's family; equal names are families that a common cluster or parent joins."""
    joined: dict[str, str] = {}

    def root(name: str) -> str:
        while joined.setdefault(name, name) != name:
            name = joined[name]
        return name

    own = []
    for identifier, cluster, parents in rows.select("id", "cluster", "parents").iter_rows():
        family = f"sample {identifier}" if cluster is None else f"cluster {cluster}"
        own.append(family)
        for parent in parents:
            # the smaller name leads, so that the names do not depend on the order of the rows
            first, second = sorted((root(family), root(f"parent {parent}")))
            joined[second] = first
    return [root(family) for family in own]

"""Whole clusters are held out, and no parent is on both sides."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from entp.assemble.blend import CANDIDATES
from entp.assemble.split import hold_out


def fused(identifier: str, cluster: int, *parents: str) -> dict[str, Any]:
    return {"id": identifier, "origin": "fusion", "cluster": cluster, "parents": list(parents)}


def good(identifier: str) -> dict[str, Any]:
    return {"id": identifier, "origin": "hq", "cluster": None, "parents": [identifier]}


def table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=CANDIDATES)


FUSIONS = [fused(f"f{n}", n % 10, f"a{n}", f"b{n}") for n in range(40)]
MIXED = table(FUSIONS + [good(f"h{n}") for n in range(60)])


@pytest.mark.parametrize("seed", range(5))
def test_a_cluster_is_on_one_side_only(seed: int):
    train, validation = hold_out(MIXED, 0.3, seed)
    assert not set(train["cluster"].drop_nulls()) & set(validation["cluster"].drop_nulls())


def test_both_kinds_are_held_out_in_the_share_asked_for():
    _, validation = hold_out(MIXED, 0.1, seed=1)
    assert validation["origin"].value_counts().sort("origin").rows() == [("fusion", 4), ("hq", 6)]


def test_every_row_is_on_one_side_in_its_order():
    train, validation = hold_out(MIXED, 0.25, seed=1)
    assert sorted([*train["id"], *validation["id"]]) == sorted(MIXED["id"])
    order = {identifier: place for place, identifier in enumerate(MIXED["id"])}
    assert [order[i] for i in train["id"]] == sorted(order[i] for i in train["id"])


@pytest.mark.parametrize("seed", range(20))
def test_a_shared_parent_keeps_two_clusters_together(seed: int):
    rows = table([fused("f1", 1, "p", "q"), fused("f2", 2, "p", "r"), good("r"), *(good(f"h{n}") for n in range(6))])
    train, validation = hold_out(rows, 0.5, seed)
    parents = [set(side["parents"].explode()) for side in (train, validation)]
    assert not parents[0] & parents[1]


def test_a_cluster_larger_than_the_share_stays_in_training():
    _, validation = hold_out(table([fused(f"f{n}", 0, f"a{n}") for n in range(10)]), 0.2, seed=1)
    assert validation.is_empty()


def test_no_share_holds_nothing_out():
    assert hold_out(MIXED, 0.0, seed=1)[1].is_empty()


def test_another_seed_holds_out_other_rows_and_the_same_seed_the_same():
    sides = [tuple(hold_out(MIXED, 0.1, seed)[1]["id"]) for seed in (1, 1, 2)]
    assert sides[0] == sides[1] != sides[2]

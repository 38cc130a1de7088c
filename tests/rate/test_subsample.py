from __future__ import annotations

import polars as pl

from entp.rate.subsample import within_budget


def pool(**sizes: int) -> pl.DataFrame:
    rows = [(f"{source}{index}", source) for source, size in sizes.items() for index in range(size)]
    return pl.DataFrame(rows, schema=["id", "source"], orient="row")


def chosen(samples: pl.DataFrame, budget: int | None, seed: int = 42) -> pl.DataFrame:
    return samples.filter(within_budget(samples, budget, seed))


def test_without_a_budget_everything_is_rated():
    assert chosen(pool(a=3, b=2), None).height == 5


def test_sources_share_the_budget_in_proportion_and_it_is_spent_exactly():
    samples = chosen(pool(a=60, b=30, c=9), 33)
    assert dict(samples.group_by("source").len().iter_rows()) == {"a": 20, "b": 10, "c": 3}


def test_the_choice_does_not_depend_on_the_order_of_the_rows():
    samples = pool(a=20, b=20)
    assert set(chosen(samples, 10)["id"]) == set(chosen(samples.reverse(), 10)["id"])


def test_another_seed_chooses_other_samples():
    assert set(chosen(pool(a=100), 50, seed=1)["id"]) != set(chosen(pool(a=100), 50, seed=2)["id"])


def test_a_larger_budget_keeps_what_a_smaller_one_chose():
    samples = pool(a=100)
    assert set(chosen(samples, 10)["id"]) < set(chosen(samples, 30)["id"])

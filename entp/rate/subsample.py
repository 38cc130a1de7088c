"""Which samples are rated when the budget does not cover them all."""

from __future__ import annotations

import polars as pl

from entp.records import chances


def within_budget(samples: pl.DataFrame, max_samples: int | None, seed: int) -> pl.Series:
    """True for at most `max_samples` samples, each source in proportion to its size (largest remainder).

    Inside a source the order is by chance (`records.chances`): a larger budget keeps what a smaller one chose, up
    to rounding between sources, and a sample's place does not depend on the order of the rows.
    """
    if max_samples is None or max_samples >= samples.height:
        return pl.repeat(True, samples.height, eager=True)
    seats = _seats(dict(samples.group_by("source").len().sort("source").iter_rows()), max_samples)
    ranked = samples.select("id", "source").with_columns(place=chances(samples["id"], seed))
    rank = ranked.select(pl.col("place").rank("ordinal").over("source")).to_series()
    return rank <= samples["source"].replace_strict(seats, return_dtype=pl.Int64)


def _seats(sizes: dict[str, int], total: int) -> dict[str, int]:
    """Share `total` among sources in proportion to their sizes."""
    pool = sum(sizes.values())
    exact = {source: total * size / pool for source, size in sizes.items()}
    seats = {source: int(share) for source, share in exact.items()}
    by_remainder = sorted(exact, key=lambda source: (seats[source] - exact[source], source))
    for source in by_remainder[: total - sum(seats.values())]:
        seats[source] += 1
    return seats

"""Near-duplicates among the new samples."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from entp.audit.features import SHINGLE_WORDS
from entp.audit.sample import NewSample
from entp.conversation import MESSAGES
from entp.purge.duplicates.near import near_duplicates
from entp.purge.duplicates.shingles import hashed_shingles


def find_near_duplicates(samples: Sequence[NewSample], threshold: float) -> dict[str, tuple[str, float]]:
    """For each sample whose `similarity` (as purge defines it) to an earlier one is `threshold` or more: that one's id.

    Samples go by id, and each is compared with those that are no copies themselves; so the first always stays, and
    there are no chains of ever less similar samples.
    """
    rows = pl.DataFrame(
        [(sample.pair_id, sample.messages, None) for sample in samples],
        schema={"id": pl.String, "messages": MESSAGES, "tools": pl.String},
        orient="row",
    )
    # Without lengths, samples rank by their ids alone.
    hashed = hashed_shingles(rows, SHINGLE_WORDS).with_columns(length=pl.lit(0))
    found = near_duplicates(lambda: iter([hashed]), threshold)
    return {row["id"]: (row["survivor"], row["jaccard"]) for row in found.iter_rows(named=True)}

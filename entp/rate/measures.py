"""What the rate stage reports about its raters, and whether a rater says anything at all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from entp.conversation import with_text
from entp.errors import DataError
from entp.rate.effects import length_correlation, source_share
from entp.rate.rating import RawRating

if TYPE_CHECKING:
    from entp.llm.session import Usage

#: One score for more than this share of the pool says (nearly) nothing about any sample (our choice).
MAX_COMMONEST_SHARE = 0.98
#: Fewer ratings than this may agree by chance.
MIN_RATINGS_TO_DOUBT = 50
#: Expected scores within this of each other can't be told apart.
SAME_EXPECTED = 0.01


def rater_metrics(rater: str, rows: pl.DataFrame, samples: pl.DataFrame) -> dict[str, float]:
    """Metrics of one rater, named `<rater>/...`; ratios are of the samples it was given (not over the budget).

    `rows` are its ratings in the order of `samples`.
    """
    statuses = Counter(rows["status"].to_list())
    given = rows.height - statuses["over_budget"]
    scores = rows["score"].drop_nulls()
    metrics = {
        f"{rater}/rated_ratio": statuses["rated"] / given,
        f"{rater}/mean_score": _mean(scores),
        f"{rater}/commonest_share": commonest_share(scores),
    }
    metrics |= {f"{rater}/status/{status}": float(count) for status, count in sorted(statuses.items())}
    effects = {
        "length_correlation": length_correlation(rows["expected"], with_text(samples)["response"].str.len_chars()),
        "source_share": source_share(rows["expected"], samples["source"]),
    }
    return metrics | {f"{rater}/{name}": value for name, value in effects.items() if value is not None}


def input_metrics(rater: str, ratings: Sequence[RawRating]) -> dict[str, float]:
    """How many samples the rater saw cut, and how many with a sentence hidden from it."""
    return {
        f"{rater}/truncated_inputs": float(sum(rating.cut for rating in ratings)),
        f"{rater}/hidden_inputs": float(sum(rating.hidden for rating in ratings)),
    }


def usage_metrics(usage: Usage, asked: int) -> dict[str, float]:
    """What the ratings took. `tokens_per_sample` is per rater and sample, in and out together."""
    return {
        "requests": float(usage.requests),
        "tokens_in": float(usage.tokens_in),
        "tokens_out": float(usage.tokens_out),
        "tokens_per_sample": (usage.tokens_in + usage.tokens_out) / max(asked, 1),
        "cost": usage.cost,
    }


def commonest_share(scores: pl.Series) -> float:
    """Share of the most frequent score; 0 for no scores."""
    if scores.is_empty():
        return 0.0
    return max(Counter(scores.to_list()).values()) / len(scores)


def sameness(rater: str, rows: pl.DataFrame) -> list[str]:
    """A note where a rater gives nearly everything one score though its expected scores still differ.

    Raises DataError where nearly all of those are the same too: such a rater has not read the samples. A weak judge
    rounds to one score and is still of use, because stages that compare two texts read its expected scores.
    """
    rated = rows.filter(pl.col("status") == "rated")
    share = commonest_share(rated["score"])
    if rated.height < MIN_RATINGS_TO_DOUBT or share <= MAX_COMMONEST_SHARE:
        return []
    score = Counter(rated["score"].to_list()).most_common(1)[0][0]
    expected = rated["expected"].sort().to_list()
    nearly_all = math.ceil(MAX_COMMONEST_SHARE * len(expected))
    ranges = zip(expected, expected[nearly_all - 1 :], strict=False)
    if min(highest - lowest for lowest, highest in ranges) < SAME_EXPECTED:
        raise DataError(
            f"rate: rater `{rater}` gave the same score {score} to {share:.1%} of {rated.height} samples; "
            f"try another llm.model, or leave the rater out of rate.raters"
        )
    return [
        f"rater `{rater}` rounds to {score} for {share:.0%} of the samples (expected {expected[0]:.2f} to "
        f"{expected[-1]:.2f}): too weak a model to tell them apart by score"
    ]


def _mean(scores: pl.Series) -> float:
    return sum(scores.to_list()) / max(len(scores), 1)

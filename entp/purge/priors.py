"""Statistical priors: thresholds that are quantiles of the pool, by source and language.

They are learnt from the pool at hand, or pinned: read from a file that `entp purge --fit-priors` wrote of another pool,
so that a small new batch is judged as the large old one was.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from entp.errors import DataError, UsageError
from entp.purge.rule import LowerQuantile, Rule, UpperQuantile
from entp.store import write_json

FORMAT = "entp.purge.priors/1"
#: A group of fewer samples does not know its tail: it is judged by its source's, else its language's, else the pool's
#: limit (our choice).
MIN_GROUP = 200
#: From the most to the least particular group a sample belongs to.
GROUPINGS: tuple[tuple[str, ...], ...] = (("source", "language"), ("source",), ("language",), ())
#: What was learnt: the `limit` of a rule in one group of `samples` samples; a null source or language stands for all.
LIMITS = pl.Schema(
    {
        "reason": pl.String,
        "source": pl.String,
        "language": pl.String,
        "quantile": pl.Float64,
        "limit": pl.Float64,
        "samples": pl.Int64,
    }
)


def fit(numbers: pl.LazyFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """LIMITS of every rule whose prior is a quantile, in the pool and in each of its groups of MIN_GROUP samples.

    `numbers` holds `source`, `language` and a column per rule. Read a rule at a time: memory holds one column.
    """
    learnt = [
        _fit_one(numbers, rule, rule.prior, grouping)
        for rule in rules
        if isinstance(rule.prior, UpperQuantile | LowerQuantile)
        for grouping in GROUPINGS
    ]
    return pl.concat([LIMITS.to_frame(), *learnt]).sort("reason", "source", "language", nulls_last=False)


def limit_of(rule: Rule, limits: pl.DataFrame) -> pl.Expr:
    """The limit that each sample is judged by, over columns `source` and `language`.

    Raises UsageError where the limits do not know the rule at this quantile.
    """
    if not isinstance(rule.prior, UpperQuantile | LowerQuantile):
        return pl.lit(None if rule.prior is None else rule.prior.limit, dtype=pl.Float64)
    known = limits.filter(pl.col("reason") == rule.reason, pl.col("quantile") == rule.prior.limit)
    pool = known.filter(pl.col("source").is_null() & pl.col("language").is_null())
    if pool.is_empty():
        raise UsageError(
            f"purge.priors: the file has no limit for {rule.reason} at the quantile {rule.prior.limit}; "
            "fit it again with `entp purge --fit-priors FILE`, or leave purge.priors out"
        )
    particular = [_lookup(known, grouping) for grouping in GROUPINGS if grouping]
    return pl.coalesce(*particular, pl.lit(pool["limit"][0], dtype=pl.Float64))


def write(limits: pl.DataFrame, path: Path) -> None:
    """Write the limits as JSON, for people to read and Git to compare."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"format": FORMAT, "limits": limits.to_dicts()})


def read(path: Path) -> pl.DataFrame:
    """The limits of a file. Raises UsageError where there is none, DataError where it is something else."""
    if not path.is_file():
        raise UsageError(f"purge.priors: there is no file {path}; write it with `entp purge --fit-priors {path}`")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']!r}, not {FORMAT!r}")
        return pl.DataFrame(content["limits"], schema=LIMITS, orient="row")
    except (ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path}: not a file of purge priors ({error}); write it anew with --fit-priors") from error


def _fit_one(
    numbers: pl.LazyFrame, rule: Rule, prior: UpperQuantile | LowerQuantile, grouping: tuple[str, ...]
) -> pl.DataFrame:
    limit = pl.col(rule.reason).quantile(prior.limit, interpolation=prior.interpolation)
    summed = {"limit": limit, "samples": pl.len()}
    groups = numbers.group_by(grouping).agg(**summed) if grouping else numbers.select(**summed)
    return (
        groups.filter((pl.col("samples") >= MIN_GROUP) if grouping else pl.lit(True))
        .with_columns(
            *(pl.lit(None, dtype=pl.String).alias(name) for name in ("source", "language") if name not in grouping),
            reason=pl.lit(rule.reason),
            quantile=pl.lit(prior.limit),
        )
        .select(list(LIMITS))
        .cast(LIMITS)
        .collect()
    )


def _lookup(known: pl.DataFrame, grouping: tuple[str, ...]) -> pl.Expr:
    """The limit of a sample's group of this kind, null where it has none."""
    wanted = [
        pl.col(name).is_not_null() if name in grouping else pl.col(name).is_null() for name in ("source", "language")
    ]
    rows = known.filter(*wanted)
    if rows.is_empty():
        return pl.lit(None, dtype=pl.Float64)
    joint = pl.concat_str(grouping, separator="\0")
    keys = rows.select(joint).to_series()
    return joint.replace_strict(keys, rows["limit"], default=None, return_dtype=pl.Float64)

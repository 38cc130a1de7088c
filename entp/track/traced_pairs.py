"""Which of the worked pairs are shown as traces, and reading them."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from entp import store
from entp.conversation import canonical
from entp.errors import DataError
from entp.records import FUSION_STATUSES
from entp.track import spans
from entp.track.spans import SPANS_FILE, PairSpans


def sample(mix: Path, count: int) -> list[PairSpans]:
    """Up to `count` of the pairs that the published dataset `mix` is about, chosen by `choose`.

    Raises DataError where the file is missing, a line cannot be read, or tells of another dataset than that one.
    """
    path = _find(mix)
    if not path.is_file():
        raise DataError(f"{path}: not there; the stage mix writes it: run it again")
    chosen = choose(_read(path), count)
    _check_published(chosen, mix, path)
    return chosen


def choose(pairs: Iterable[PairSpans], count: int) -> list[PairSpans]:
    """Up to `count` pairs: the statuses take turns, accepted ones first, each in the order of its pair ids.

    So the few that failed are seen beside the many that did not, and a pair's id, a digest, favours nobody (our
    choice). The order of the lines, which is that of the work, does not count. Holds `count` pairs per status.
    """
    by_status: dict[str, list[PairSpans]] = {status: [] for status in FUSION_STATUSES}
    for pair in pairs:
        same = by_status.setdefault(pair.status, [])
        insort(same, pair, key=lambda one: one.pair_id)
        del same[count:]
    turns = chain.from_iterable(zip_longest(*by_status.values()))
    return [pair for pair in turns if pair is not None][:count]


def keep_inside(mix: Path, count: int) -> None:
    """Put a sample into the folder of the published dataset `mix`: as an artifact, it outlives the cache."""
    if not count or not _find(mix).is_file():
        return
    spans.write(sample(mix, count), mix)


def _find(mix: Path) -> Path:
    inside = mix / SPANS_FILE
    return inside if inside.is_file() else store.cache_folder(mix) / SPANS_FILE


def _read(path: Path) -> Iterator[PairSpans]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield PairSpans.model_validate_json(line)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                place = ".".join(map(str, first["loc"])) or "the line"
                raise DataError(f"{path}: line {number}: {place}: {first['msg']}; run the stage mix again") from error


def _check_published(pairs: Sequence[PairSpans], mix: Path, path: Path) -> None:
    """Runs that share ENTP_CACHE_DIR write the same file; the last one to work on pairs owns it."""
    ids = [pair.pair_id for pair in pairs]
    rows = store.scan(mix, "fusions").select("pair_id", "status", "messages").filter(pl.col("pair_id").is_in(ids))
    published = {row["pair_id"]: row for row in rows.collect().iter_rows(named=True)}
    for pair in pairs:
        row = published.get(pair.pair_id)
        if row is None or row["status"] != pair.status or not _same(row["messages"], pair.messages):
            raise DataError(
                f"{path}: what it tells of pair {pair.pair_id} is not what {mix} holds; another run wrote the file "
                "since (is ENTP_CACHE_DIR shared?): run the stage mix again"
            )


def _same(published: list[dict[str, Any]] | None, told: Sequence[Mapping[str, Any]] | None) -> bool:
    """Whether two conversations are the same; one that was not published is no other."""
    return published is None or canonical(published) == canonical(told or [])

"""An index of what earlier pools kept, on disk: a new batch is held against it, and joins it, without the old texts.

A folder of Parquet parts with the rows of `hashed_shingles` and the exact keys, and `index.json`, which says how they
were made. It is published inside the purge's dataset (`purge.keep_index`) and named by the next one (`purge.index`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from entp.config import PurgeConfig
from entp.errors import DataError, UsageError
from entp.store import write_json

FORMAT = "entp.purge.index/1"
SETTINGS = "index.json"
#: Added to the length of what is indexed: it survives whatever comes.
AHEAD = 1 << 40


def indexed_chunks(config: PurgeConfig) -> Iterator[pl.DataFrame]:
    """The rows of the index that the configuration names, if it does, part by part, ranked ahead of all others.

    Raises UsageError where there is no index or it was made with other settings, DataError where it is damaged.
    """
    if config.index is None:
        return
    folder = Path(config.index).expanduser()
    _check(folder, config)
    for part in _parts(folder):
        yield pl.read_parquet(part).with_columns(length=pl.col("length") + AHEAD)


def write_index(kept: Iterator[pl.DataFrame], config: PurgeConfig, target: Path) -> None:
    """The index for the next batch: the parts of the old one, and what was kept of this pool."""
    number = 0
    if config.index is not None:
        for part in _parts(Path(config.index).expanduser()):
            shutil.copy(part, target / f"part-{number:05d}.parquet")
            number += 1
    for chunk in kept:
        chunk.write_parquet(target / f"part-{number:05d}.parquet", compression="zstd", statistics=False)
        number += 1
    write_json(target / SETTINGS, _settings(config))


def _settings(config: PurgeConfig) -> dict[str, object]:
    return {
        "format": FORMAT,
        "shingle_words": config.shingle_words,
        "duplicate_scope": config.duplicate_scope,
        "near_duplicate_jaccard": config.near_duplicate_jaccard,
    }


def _check(folder: Path, config: PurgeConfig) -> None:
    path = folder / SETTINGS
    if not path.is_file():
        raise UsageError(f"purge.index: {folder} holds no index; a purge with purge.keep_index=true writes one")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: damaged ({error}); take another copy of the index") from error
    for name, wanted in _settings(config).items():
        if found.get(name) != wanted:
            raise UsageError(
                f"purge.index: {folder} was made with {name}={found.get(name)!r}, and this run has {wanted!r}; "
                "set them alike, or make the index anew"
            )


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))

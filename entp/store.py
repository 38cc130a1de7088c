"""Dataset directories: one folder of Parquet parts per table, published atomically with a manifest.

`manifest.json` holds only what the content determines (rows, sha256, config digest, code version, parents), so two
runs with the same inputs and seed publish identical bytes. `summary.json` beside it holds the stage's metrics; how
long the stage took is for its caller to keep.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from entp import atomic
from entp.errors import DataError
from entp.records import digest_of

FORMAT_VERSION = 1
SUMMARY_FILE = "summary.json"


@dataclass(frozen=True)
class Identity:
    """What determines a stage's output: its name, configuration, code, and the data it was given."""

    stage: str
    config: Mapping[str, Any]
    code_version: str
    parents: Mapping[str, str]

    @property
    def config_digest(self) -> str:
        return digest_of(self.config)

    @property
    def digest(self) -> str:
        return digest_of([self.stage, self.config_digest, self.code_version, dict(self.parents), FORMAT_VERSION])


@dataclass(frozen=True)
class Summary:
    """What a stage reports. Metric names have no stage prefix; trackers log them as `stage/metric`."""

    stage: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Dataset:
    """A dataset directory being written; obtained from `publish`."""

    def __init__(self, stage: str, folder: Path) -> None:
        self.stage = stage
        self.folder = folder
        self._parts: dict[str, int] = {}

    def write(self, table: str, rows: pl.DataFrame, schema: pl.Schema) -> None:
        """Append one Parquet part to `table`; columns and types must be exactly `schema`'s."""
        target = self.subfolder(table)
        part = self._parts.get(table, 0)
        self._parts[table] = part + 1
        path = target / f"part-{part:05d}.parquet"
        rows.select(list(schema)).cast(schema).write_parquet(path, compression="zstd", statistics=True)

    def subfolder(self, name: str) -> Path:
        """A folder inside the dataset, for files that are not tables (model weights, cards)."""
        target = self.folder / name
        target.mkdir(exist_ok=True)
        return target

    def summarise(self, metrics: Mapping[str, float], notes: tuple[str, ...] = ()) -> Summary:
        """Write `summary.json` and return it; the last thing a stage does before its dataset is published."""
        summary = Summary(self.stage, dict(metrics), notes)
        write_json(self.folder / SUMMARY_FILE, asdict(summary))
        return summary


def remembered(path: Path, compute: Callable[[], Any]) -> Any:
    """The JSON value kept at `path` by an earlier run, or a computed one, which is kept there."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        value = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.new_file(path) as partial:
        partial.write_text(json.dumps(value), encoding="utf-8")
    return value


@contextmanager
def publish(output: Path, identity: Identity) -> Iterator[Dataset]:
    """Write a dataset beside `output`, then put it in place, whole.

    Where the stage raises, or is stopped at any moment, whoever reads by the functions below finds the earlier dataset
    or the new one, and the new one for good once this has ended. Raises SetupError while another process writes it.
    """
    with atomic.lock(output), atomic.new_folder(output) as partial:
        partial.mkdir()
        yield Dataset(identity.stage, partial)
        write_json(partial / "manifest.json", _manifest(identity, partial))


def _manifest(identity: Identity, folder: Path) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "stage": identity.stage,
        "identity": identity.digest,
        "config_digest": identity.config_digest,
        "config": identity.config,
        "code_version": identity.code_version,
        "parents": dict(identity.parents),
        "contents": _describe(folder),
    }


def read_summary(output: Path) -> Summary:
    """The summary that a stage wrote into its published dataset."""
    content = json.loads(atomic.read_whole(output, (output / SUMMARY_FILE).read_text))
    return Summary(content["stage"], content["metrics"], tuple(content["notes"]))


def read(dataset: Path, table: str) -> pl.DataFrame:
    """A whole table, in the order it was written. Raises DataError where it is missing."""
    return atomic.read_whole(dataset, lambda: scan(dataset, table).collect())


def scan(dataset: Path, table: str) -> pl.LazyFrame:
    """A lazy view of a table, good until the dataset is replaced. Raises DataError where it is missing."""
    return pl.scan_parquet(parts(dataset, table))


def parts(dataset: Path, table: str) -> list[Path]:
    """The Parquet files of a table, in the order they were written. Raises DataError where it is missing."""
    found = _parts(dataset, table)
    if not found:
        raise DataError(
            f"{dataset / table}: no such table; run the stage that writes it first: "
            f"`entp {dataset.name} --output {dataset.parent}`"
        )
    return found


def holds(dataset: Path, table: str) -> bool:
    """Whether the dataset has the table: some are only there where they were asked for."""
    return bool(_parts(dataset, table))


def _parts(dataset: Path, table: str) -> list[Path]:
    return atomic.read_whole(dataset, lambda: sorted((dataset / table).glob("part-*.parquet")))


def read_manifest(dataset: Path) -> dict[str, Any] | None:
    """The manifest, or None where nothing is published (or the file is damaged)."""
    try:
        manifest: dict[str, Any] = json.loads(atomic.read_whole(dataset, (dataset / "manifest.json").read_text))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return None
    return manifest


def is_published(dataset: Path) -> bool:
    """Whether a stage has published this dataset."""
    return read_manifest(dataset) is not None


def is_published_as(dataset: Path, identity: Identity) -> bool:
    """Whether this dataset is what would be published under `identity` now, so that there is nothing to do."""
    manifest = read_manifest(dataset)
    return manifest is not None and bool(manifest["identity"] == identity.digest)


def is_current(dataset: Path) -> bool:
    """Whether a stage has published this dataset from what its parents, where they stand beside it, hold now."""
    manifest = read_manifest(dataset)
    if manifest is None:
        return False
    beside = {dataset.parent / name: digest for name, digest in manifest["parents"].items()}
    present = {path: digest for path, digest in beside.items() if is_published(path)}
    return all(content_digest(path) == digest and is_current(path) for path, digest in present.items())


def content_digest(dataset: Path) -> str:
    """Digest of a published dataset's contents: the same data gives the same digest."""
    manifest = read_manifest(dataset)
    if manifest is None:
        raise DataError(f"{dataset}: not a published dataset (no manifest.json); run the stage that writes it")
    return digest_of(manifest["contents"])


def cache_folder(output: Path) -> Path:
    """Where a stage keeps what survives a kill (requests, checkpoints): ENTP_CACHE_DIR, else beside `output`."""
    folder = Path(os.environ.get("ENTP_CACHE_DIR") or output.parent / "cache")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _describe(folder: Path) -> dict[str, Any]:
    """Rows and sha256 of every file, by table or subfolder."""
    contents: dict[str, Any] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.name == SUMMARY_FILE:
            continue
        name = path.relative_to(folder).parts[0]
        entry = contents.setdefault(name, {"rows": 0, "files": {}})
        rows = pl.scan_parquet(path).select(pl.len()).collect().item() if path.suffix == ".parquet" else None
        entry["rows"] += rows or 0
        entry["files"][str(path.relative_to(folder))] = {"sha256": file_sha256(path), "rows": rows}
    return contents


def write_json(path: Path, content: Any) -> None:
    """Write `content` for people and programs to read, with sorted keys."""
    with atomic.new_file(path) as partial:
        partial.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")

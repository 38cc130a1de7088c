"""Which files to read: the paths a user named, folders walked in sorted order, every name accounted for."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import NamedTuple
from urllib.parse import unquote

from entp.errors import DataError, UsageError, nearest
from entp.folders import files_below

CONTAINERS = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".arrow": "arrow",
}
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
ACCEPTED = f"{', '.join(CONTAINERS)}, each also with {' or '.join(COMPRESSIONS)}"
ARCHIVES = (".tar", ".tar.gz", ".tar.zst", ".tgz", ".zip")

#: Files that travel with datasets but hold no rows, by stem or by ending (our choice).
COMPANIONS = {"readme", "license", "licence", "notice", "changelog", "citation", "dataset_infos", "dataset_info"}
COMPANION_ENDINGS = {".md", ".dvc"}
#: Hidden files, and what Spark and Hadoop keep beside their parts (`_SUCCESS`, `.part-0.crc`), hold no rows either.
HIDDEN = (".", "_")
#: Folders of table formats whose files are not all part of the table.
TABLE_LOGS = {"_delta_log": "Delta", ".hoodie": "Hudi"}
#: What Hugging Face `save_to_disk` writes beside the parts of a dataset, and beside the splits of several.
STATE_FILE, SPLITS_FILE = "state.json", "dataset_dict.json"
#: Names that tell nothing of what a shard is part of; then the folder's does (our choice).
UNTOLD = ("part", "data", "shard", "chunk")
#: `part-00000-c0ffee.snappy` as Spark writes it, `train-00000-of-00012` as a hub has it.
_SHARD = re.compile(r"(?P<set>part)-\d{4,}(?:[-_.].*)?\Z|(?P<set_of>.+?)[-_.]\d{4,}-of-\d{4,}(?:[-_.].*)?\Z")
#: What Hive and Spark call a missing value in a folder's name.
NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class InputFile:
    """One file to read; `name` is its path relative to the input it was found in, as tables show it.

    `partition` are the columns that Spark and Hive write as folders (`source=forum/part-0.parquet`).
    """

    path: Path
    name: str
    container: str
    compression: str | None
    partition: Mapping[str, str] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The source of rows that name none: the file's name without endings, of a shard that of what it is part of."""
        name = _without_endings(self.path.name)
        shard = _SHARD.match(name)
        if shard is None:
            return name
        return told if (told := shard["set"] or shard["set_of"]) not in UNTOLD else self.path.absolute().parent.name


class Files(NamedTuple):
    """The files to read, and notes on what was passed over."""

    files: list[InputFile]
    notes: list[str]


def find_files(inputs: Mapping[str, Path]) -> Files:
    """The files behind `inputs`, in the mapping's order; a folder's recursively, sorted by path.

    Raises UsageError for a missing path or an unknown file format, DataError for a folder without data.
    """
    notes: list[str] = []
    found = [(label, file) for label, path in inputs.items() for file in _files_of(path, notes)]
    names = Counter(file.name for _, file in found)
    files = [replace(file, name=f"{label}/{file.name}") if names[file.name] > 1 else file for label, file in found]
    return Files(files, notes)


def data_files(names: Sequence[PurePath], where: str) -> list[PurePath]:
    """Those of a folder's files (relative to it) that hold rows.

    Raises UsageError for formats that cannot be read, DataError where none is left.
    """
    for name in names:
        for part in name.parts:
            if part in TABLE_LOGS:
                raise UsageError(
                    f"{where}: a {TABLE_LOGS[part]} table ({name}): which of its files belong to it only its log "
                    "tells; write the table out as Parquet, and read that"
                )
    kept = [name for name in names if not _is_companion(name)]
    if not kept:
        raise DataError(f"{where}: no data files in this folder; accepted are {ACCEPTED}")
    for name in kept:
        if name.name.lower().endswith(ARCHIVES):
            raise UsageError(_archive(f"{where}: {name}"))
    unknown = [str(name) for name in kept if _endings(name)[0] is None]
    if unknown:
        shown = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        raise UsageError(
            f"{where}: unknown file format: {shown}; accepted are {ACCEPTED}; move other files away, or name the "
            "data files one by one"
        )
    return kept


def demand_container(name: PurePath, where: str) -> None:
    """Raise UsageError for a file whose ending says that it cannot be read."""
    if name.name.lower().endswith(ARCHIVES):
        raise UsageError(_archive(where))
    if _endings(name)[0] is None:
        raise UsageError(f"{where}: unknown file format; accepted are {ACCEPTED}")


def _files_of(path: Path, notes: list[str]) -> list[InputFile]:
    if path.is_file():
        return [_described(path, PurePath(path.name))]
    if not path.is_dir():
        raise UsageError(f"{path}: no such file or folder{_hint(path)}")
    found = files_below(path)
    notes += [f"{link}: a link to a folder that is read already; not followed" for link in found.skipped]
    names = _saved_to_disk(path, [file.relative_to(path) for file in found.files])
    notes += [f"{path / name}: not read, as its name begins with _ or ." for name in names if _looks_like_rows(name)]
    return [_described(path / name, name) for name in data_files(names, str(path))]


def _saved_to_disk(folder: Path, names: Sequence[PurePath]) -> list[PurePath]:
    """The names without what lies beside the parts of datasets that Hugging Face `save_to_disk` wrote."""
    states = [name for name in names if name.name == STATE_FILE]
    parts = {state.parent: listed for state in states if (listed := _parts(folder / state)) is not None}
    return [
        name
        for name in names
        if name.name != SPLITS_FILE and (name.parent not in parts or name.name in parts[name.parent])
    ]


def _parts(state: Path) -> set[str] | None:
    """The names of a saved dataset's parts, or None where the file is no such dataset's."""
    try:
        listed = json.loads(state.read_text(encoding="utf-8"))["_data_files"]
        return {part["filename"] for part in listed}
    except (ValueError, KeyError, TypeError):
        return None


def _described(path: Path, name: PurePath) -> InputFile:
    demand_container(name, str(path))
    container, compression = _endings(name)
    return InputFile(path, name.as_posix(), str(container), compression, _partition(name))


def _partition(name: PurePath) -> dict[str, str]:
    columns = (part.split("=", 1) for part in name.parts[:-1] if "=" in part.strip("="))
    return {unquote(column): unquote(value) for column, value in columns if value != NO_PARTITION}


def _endings(path: PurePath) -> tuple[str | None, str | None]:
    """Container and compression, by the file's name."""
    compression = COMPRESSIONS.get(path.suffix.lower())
    inner = PurePath(path.stem) if compression else path
    return CONTAINERS.get(inner.suffix.lower()), compression


def _without_endings(name: str) -> str:
    path = PurePath(name)
    if path.suffix.lower() in COMPRESSIONS:
        path = PurePath(path.stem)
    return path.stem


def _is_companion(path: PurePath) -> bool:
    if _is_hidden(path):
        return True
    return path.suffix.lower() in COMPANION_ENDINGS or _without_endings(path.name).lower() in COMPANIONS


def _looks_like_rows(path: PurePath) -> bool:
    """Whether it is passed over for its name alone, which its owner may not have meant."""
    return _is_hidden(path) and not path.name.startswith(".") and _endings(path)[0] is not None


def _is_hidden(path: PurePath) -> bool:
    return any(part.startswith(HIDDEN) and "=" not in part for part in path.parts)


def _archive(where: str) -> str:
    return (
        f"{where}: an archive (WebDataset-style, perhaps), in which a sample is several files; unpack it, and name "
        f"the files with rows; accepted are {ACCEPTED}"
    )


def _hint(path: Path) -> str:
    """The nearest existing sibling, or the last folder of the path that exists."""
    parent = path.parent
    if not parent.is_dir():
        existing = next((folder for folder in path.parents if folder.is_dir()), Path())
        return f"; {existing} exists, {path.relative_to(existing).parts[0]} is not in it"
    meant = nearest(path.name, [sibling.name for sibling in parent.iterdir()])
    return f"; did you mean {parent / meant}?" if meant else f"; nothing in {parent} has a similar name"

"""Which files to read: the paths a user named, folders walked in sorted order, every name accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from entp.errors import DataError, UsageError, nearest

CONTAINERS = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
ACCEPTED = f"{', '.join(CONTAINERS)}, each also with {' or '.join(COMPRESSIONS)}"

#: Files that travel with datasets but hold no rows, by stem or by ending (our choice). Hidden files are no data either.
COMPANIONS = {"readme", "license", "licence", "notice", "changelog", "citation", "dataset_infos", "dataset_info"}
COMPANION_ENDINGS = {".md", ".dvc"}


@dataclass(frozen=True)
class InputFile:
    """One file to read; `name` is its path relative to the input it was found in, as tables show it."""

    path: Path
    name: str
    container: str
    compression: str | None

    @property
    def stem(self) -> str:
        """The file's name without endings: the source of rows that name none."""
        return _without_endings(self.path.name)


def find_files(inputs: Mapping[str, Path]) -> list[InputFile]:
    """The files behind `inputs`, in the mapping's order; a folder's recursively, sorted by path.

    Raises UsageError for a missing path or an unknown file format, DataError for a folder without data.
    """
    found = [(label, file) for label, path in inputs.items() for file in _files_of(path)]
    names = Counter(file.name for _, file in found)
    return [replace(file, name=f"{label}/{file.name}") if names[file.name] > 1 else file for label, file in found]


def _files_of(path: Path) -> list[InputFile]:
    if path.is_file():
        return [_described(path, path.name)]
    if not path.is_dir():
        raise UsageError(f"{path}: no such file or folder{_hint(path)}")
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and not _is_companion(file.relative_to(path))]
    if not files:
        raise DataError(f"{path}: no data files in this folder; accepted are {ACCEPTED}")
    unknown = [str(file.relative_to(path)) for file in files if _endings(file)[0] is None]
    if unknown:
        shown = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        raise UsageError(
            f"{path}: unknown file format: {shown}; accepted are {ACCEPTED}; move other files away, or name the "
            "data files one by one"
        )
    return [_described(file, file.relative_to(path).as_posix()) for file in files]


def _described(path: Path, name: str) -> InputFile:
    container, compression = _endings(path)
    if container is None:
        raise UsageError(f"{path}: unknown file format; accepted are {ACCEPTED}")
    return InputFile(path, name, container, compression)


def _endings(path: Path) -> tuple[str | None, str | None]:
    """Container and compression, by the file's name."""
    compression = COMPRESSIONS.get(path.suffix.lower())
    inner = Path(path.stem) if compression else path
    return CONTAINERS.get(inner.suffix.lower()), compression


def _without_endings(name: str) -> str:
    path = Path(name)
    if path.suffix.lower() in COMPRESSIONS:
        path = Path(path.stem)
    return path.stem


def _is_companion(path: Path) -> bool:
    if any(part.startswith(".") for part in path.parts):
        return True
    return path.suffix.lower() in COMPANION_ENDINGS or _without_endings(path.name).lower() in COMPANIONS


def _hint(path: Path) -> str:
    """The nearest existing sibling, or the last folder of the path that exists."""
    parent = path.parent
    if not parent.is_dir():
        existing = next((folder for folder in path.parents if folder.is_dir()), Path())
        return f"; {existing} exists, {path.relative_to(existing).parts[0]} is not in it"
    meant = nearest(path.name, [sibling.name for sibling in parent.iterdir()])
    return f"; did you mean {parent / meant}?" if meant else f"; nothing in {parent} has a similar name"

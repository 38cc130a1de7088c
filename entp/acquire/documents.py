"""Find the documents below files and folders, by their endings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from entp.acquire.document import Kind, LeftOut, Origin
from entp.errors import UsageError

ENDINGS: dict[str, Kind] = {
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".epub": "epub",
    ".md": "markdown",
    ".markdown": "markdown",
}


def find_documents(inputs: Sequence[Path], max_bytes: int) -> tuple[list[Origin], list[LeftOut]]:
    """The documents below the inputs, in order of path, each file once; and what of them cannot be taken.

    Raises UsageError where an input is not there.
    """
    found: dict[Path, Origin] = {}
    left_out: list[LeftOut] = []
    for path, folder in (place for given in inputs for place in _files(given)):
        kind = ENDINGS.get(path.suffix.lower())
        if kind is None:
            detail = f"no document's ending; read are {', '.join(ENDINGS)}"
            left_out.append(LeftOut(path.as_posix(), "unsupported_type", detail))
        elif path.resolve() in found:
            left_out.append(LeftOut(path.as_posix(), "repeated_address", f"as {found[path.resolve()].address}"))
        elif (size := path.stat().st_size) > max_bytes:
            detail = f"{size:,} bytes, acquire.max_bytes is {max_bytes:,}"
            left_out.append(LeftOut(path.as_posix(), "too_large", detail))
        else:
            found[path.resolve()] = Origin(path.as_posix(), path, kind, folder.resolve().name or "documents")
    return list(found.values()), left_out


def _files(given: Path) -> Iterator[tuple[Path, Path]]:
    """The files of an input, hidden ones apart, links followed, and the folder that names their source."""
    place = given.expanduser()
    if place.is_file():
        yield place, place.parent
        return
    if not place.is_dir():
        raise UsageError(f"--input {given}: no such file or folder")
    around = {place.resolve()}
    for folder, folders, names in os.walk(place, followlinks=True):
        inside = {name: (Path(folder) / name).resolve() for name in sorted(folders) if not name.startswith(".")}
        # A link may lead to a folder that was read already, or that is around it.
        folders[:] = [name for name, real in inside.items() if real not in around]
        around |= set(inside.values())
        for name in sorted(names):
            path = Path(folder) / name
            if not name.startswith(".") and path.is_file():
                yield path, place

"""Text encodings: bytes are read as UTF-8, bad ones are kept recognisable, and whole files in another encoding refused.

Files are opened with `surrogateescape`, so a bad byte becomes a lone surrogate: only the row that holds it is lost.
"""

from __future__ import annotations

import codecs
import io
import re
from typing import BinaryIO, TextIO, cast

import pyarrow as pa

from entp.errors import DataError
from entp.ingest.files import InputFile

SURROGATES = re.compile("[\ud800-\udfff]")
SNIFFED_BYTES = 1024
MAGIC = {b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst", b"PAR1": ".parquet", b"PK\x03\x04": ".zip (unpack it)"}


def open_bytes(file: InputFile, handle: BinaryIO) -> BinaryIO:
    """The decompressed bytes behind `handle`, at its start; a decompressor closes `handle` with itself."""
    if file.compression is None:
        return handle
    return cast(BinaryIO, pa.CompressedInputStream(handle, file.compression))


def read_head(file: InputFile, size: int) -> bytes:
    """The first decompressed bytes of the file."""
    with file.path.open("rb") as handle:
        return open_bytes(file, handle).read(size)


def open_text(file: InputFile, handle: BinaryIO, newline: str = "\n") -> TextIO:
    """The text behind `handle`, at its start, without byte order mark; it closes `handle` with itself.

    Raises DataError where the first bytes show another encoding (UTF-16, UTF-32) or no text at all.
    """
    _refuse_other_formats(file, read_head(file, SNIFFED_BYTES))
    stream = cast(io.BufferedReader, open_bytes(file, handle))
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline=newline)


def has_bad_text(text: str) -> bool:
    """Whether the text holds a lone surrogate: a byte that was not UTF-8, or half a pair escaped in JSON."""
    return SURROGATES.search(text) is not None


def wrong_encoding(file: InputFile) -> DataError:
    """The error for a file most of whose rows are not UTF-8; names the first bad byte (of the decompressed text)."""
    with file.path.open("rb") as handle:
        offset = _first_bad_byte(open_bytes(file, handle))
    return DataError(
        f"{file.path}: not UTF-8 (first bad byte at offset {offset}); convert it first, for example "
        f"`iconv -f WINDOWS-1252 -t UTF-8 {file.path.name} > utf8-{file.path.name}` (GB18030 for Chinese text)"
    )


def _first_bad_byte(stream: BinaryIO) -> int:
    decoder = codecs.getincrementaldecoder("utf-8")()
    passed = 0
    while True:
        chunk = stream.read(1 << 20)
        kept = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            return passed - kept + error.start
        if not chunk:
            return passed
        passed += len(chunk)


def _refuse_other_formats(file: InputFile, head: bytes) -> None:
    for magic, ending in MAGIC.items():
        if head.startswith(magic):
            raise DataError(f"{file.path}: its content is not text but {ending}; give it that ending")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or head.count(0) * 4 > len(head):
        offset = 0 if head[:1] in (b"\xff", b"\xfe") else max(head.find(0), 0)
        raise DataError(
            f"{file.path}: not UTF-8 but UTF-16 (offset {offset}); convert it first: "
            f"`iconv -f UTF-16 -t UTF-8 {file.path.name} > utf8-{file.path.name}`"
        )

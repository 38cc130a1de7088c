"""A folder for what is known of each sample until the pool as a whole has been judged: tables in chunks, on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl


@dataclass(frozen=True)
class Scratch:
    """Chunks are read back in the order of their numbers, whichever process wrote them first."""

    folder: Path

    def write(self, table: str, number: int, rows: pl.DataFrame) -> None:
        """Keep the chunk of that number."""
        target = self.folder / table
        target.mkdir(exist_ok=True)
        rows.write_ipc(target / f"{number:06d}.arrow", compression="lz4")

    def scan(self, table: str) -> pl.LazyFrame:
        """All chunks of a table; an empty frame where there is none."""
        files = self._files(table)
        return pl.scan_ipc(files) if files else pl.LazyFrame()

    def chunks(self, table: str) -> Iterator[pl.DataFrame]:
        """One chunk after the other."""
        for file in self._files(table):
            yield pl.read_ipc(file)

    def remaining_chunks(self, table: str, gone: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """One chunk after the other, without the rows whose `id` is in `gone`."""
        for chunk in self.chunks(table):
            yield chunk.join(gone, on="id", how="anti", maintain_order="left")

    def remaining(self, table: str, gone: pl.DataFrame) -> pl.DataFrame:
        """The rows of a table without those whose `id` is in `gone`, in their order, all in memory."""
        return self.scan(table).join(gone.lazy(), on="id", how="anti", maintain_order="left").collect()

    def _files(self, table: str) -> list[Path]:
        return sorted((self.folder / table).glob("*.arrow"))


@contextmanager
def scratch_folder(output: Path) -> Iterator[Scratch]:
    """A folder beside `output`, gone afterwards; what a killed run leaves, the next `store.publish` removes."""
    with TemporaryDirectory(prefix=f".{output.name}.partial-", dir=output.parent) as folder:
        yield Scratch(Path(folder))

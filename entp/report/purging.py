"""What the report shows of the purge: what each rule measured beside its limit, and repairs before and after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entp import store
from entp.report import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Rules drawn: those that fired most and measure more than yes or no.
DRAWN = 16
REPAIRS_SHOWN = 8
#: Characters shown on either side of a repair.
AROUND = 60


def rule_rows(run: Path) -> list[dict[str, Any]]:
    """A row per measured rule, what fired most first."""
    return store.read(run / "purge", "rules").sort("fired", "reason", descending=[True, False]).to_dicts()


def purge_figures(run: Path) -> Iterator[tuple[str, Figure]]:
    """Histograms of what rules measured, with their limits."""
    rows = [row for row in rule_rows(run) if sum(count > 0 for count in row["counts"]) > 2]
    if rows:
        yield "rules", figures.rule_histograms(rows[:DRAWN])


def repaired_rows(run: Path) -> list[dict[str, Any]]:
    """For every repair one turn that it mended: `reason`, and the place of the change `before` and `after`."""
    repairs = store.scan(run / "purge", "repairs").explode("reasons")
    rows = repairs.unique("reasons", keep="first", maintain_order=True).sort("reasons").head(REPAIRS_SHOWN).collect()
    changes = [(row["reasons"], *_change(row["before"], row["after"])) for row in rows.iter_rows(named=True)]
    return [{"reason": reason, "before": before, "after": after} for reason, before, after in changes]


def _change(before: str, after: str) -> tuple[str, str]:
    """The first place where the two differ, with what stands around it; invisible characters as escapes."""
    shortest = min(len(before), len(after))
    place = next((index for index in range(shortest) if before[index] != after[index]), shortest)
    start = max(0, place - AROUND)
    return _visible(before[start : place + AROUND]), _visible(after[start : place + AROUND])


def _visible(text: str) -> str:
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )

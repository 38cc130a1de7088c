"""`entp ablate`: run the variants, compare them, print, draw and log the table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from entp.ablate import publish
from entp.ablate.comparison import MEASURES, compare, read_outcomes, table
from entp.ablate.variants import chosen, run_variants, settings_of
from entp.bootstrap import Estimate
from entp.config import Config
from entp.errors import UsageError
from entp.progress import console


def ablate(config: Config, names: Sequence[str], pairs: int | None, calls: int | None, output: Path) -> None:
    """Compare the named variants (and the whole method) on the pool in `output`, at a budget of pairs or of calls."""
    if pairs is None and calls is None:
        raise UsageError("variants are compared at one budget: give --pairs N or --calls N")
    settings = settings_of(config, chosen(names), pairs, calls)
    outcomes = {name: read_outcomes(path) for name, path in run_variants(settings, output, _announce).items()}
    comparison = compare(outcomes)
    publish.write(table(comparison, outcomes), comparison, output / "ablate")
    places = publish.log(comparison, settings, output)
    _show(comparison, {name: frame.height for name, frame in outcomes.items()})
    console.print(f"  table     {output / 'ablate' / publish.CSV}\n  plot      {output / 'ablate' / publish.FIGURE}")
    for label, place in places.items():
        console.print(f"  {label:<9} {place}", highlight=False)


def _announce(name: str, skipped: bool) -> None:
    console.print(f"[bold]{name}[/]{' unchanged' if skipped else ''}", highlight=False)


def _show(comparison: Mapping[str, Mapping[str, Estimate]], pairs: Mapping[str, int]) -> None:
    shown = Table(title="Value and 95 % interval over pairs", title_justify="left")
    shown.add_column("variant", no_wrap=True)
    shown.add_column("pairs", justify="right")
    for measure in MEASURES:
        shown.add_column(measure.replace("_", " "), justify="right")
    for name, measures in comparison.items():
        shown.add_row(name, str(pairs[name]), *(_cell(measures[measure]) for measure in MEASURES))
    console.print(shown)


def _cell(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "-"
    if math.isinf(estimate.value):
        return "none accepted"
    digits = 0 if estimate.value >= 100 else 2
    value, low, high = (f"{number:,.{digits}f}" for number in estimate)
    return f"{value}\n{low} .. {high}"

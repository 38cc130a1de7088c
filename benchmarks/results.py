"""Results as files, one per benchmark, and the table of them in README.md.

python -m benchmarks.results        # writes the table anew
"""

from __future__ import annotations

import json
import shlex
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, versions

FOLDER = Path(__file__).parent / "results"
README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
HEADER = ("benchmark", "measure", "ours", "rival's", "rival", "ratio", "target", "machine", "date")


@dataclass(frozen=True)
class Side:
    """One contestant, and what it reached in each run (more is better)."""

    name: str
    runs: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.runs)


def result(
    name: str,
    measure: str,
    ours: Side,
    rival: Side,
    packages: Sequence[str],
    details: Mapping[str, Any],
    target: float | None = None,
) -> dict[str, Any]:
    """A comparison as it is written down. `ratio` is ours to the rival's, medians of all runs; `target` what it
    should reach."""
    return {
        "benchmark": name,
        "measure": measure,
        "ours": {**asdict(ours), "median": ours.median},
        "rival": {**asdict(rival), "median": rival.median},
        "ratio": ours.median / rival.median,
        "target": target,
        "details": dict(details),
        "command": shlex.join(["python", "-m", f"benchmarks.{name}", *sys.argv[1:]]),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": versions(packages),
    }


def write(found: Mapping[str, Any], path: Path) -> None:
    """Keep a result, with no more than three decimal places."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_rounded(found), indent=2, ensure_ascii=False) + "\n")


def table(folder: Path = FOLDER) -> str:
    """All results in Markdown, one a row."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return markdown(HEADER, [_row(one) for one in found])


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def with_table(page: str, shown: str) -> str:
    """The page with the table between its two marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{shown}\n{END}{after}"


def main() -> None:
    README.write_text(with_table(README.read_text(), table()))


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    on = one["machine"]
    card = "no GPU" if on["gpu"] == "none" else on["gpu"]
    return (
        f"[{one['benchmark']}](results/{one['benchmark']}.json)",
        one["measure"],
        _short(one["ours"]["median"]),
        _short(one["rival"]["median"]),
        one["rival"]["name"],
        f"{one['ratio']:.2f}",
        "" if one["target"] is None else f"{one['target']:.2f}",
        f"{on['processor']}, {on['cores']} cores, {on['memory_gib']} GiB, {card}",
        one["date"],
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value


if __name__ == "__main__":
    main()

"""What can be compared: selectors, and purge-mix itself. A method yields training rows; all else is equal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from entp.errors import UsageError, near
from entp.select import SELECTORS
from entp.select.signals import GROUPS, groups_for

#: Purge-mix alone; and with HQ samples, in the share that `assemble.hq_share` asks for or as many as fill the budget.
SYNTHESIS = {"entp": ("assemble.hq_share=0", "assemble.fill_rows=0"), "entp_and_hq": ()}
METHODS = (*SYNTHESIS, *SELECTORS)
#: What all others are set against, wherever it takes part.
REFERENCE = "random"
#: Trains on nothing, so that one seed tells all.
UNTRAINED = "vanilla"
#: Without a target set, and without hours of a model's time.
DEFAULT = (
    "vanilla",
    "random",
    "completion_length",
    "perplexity",
    "knn",
    "ifd",
    "alpagasus",
    "deita",
    "ds2",
    "ds2_uncurated",
    "high_quality",
    "low_quality",
)


def chosen(names: Sequence[str]) -> list[str]:
    """The methods named, each once; `all` for every one. Raises UsageError for a name that is none."""
    if list(names) == ["all"]:
        return list(METHODS)
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        raise UsageError(f"there is no method {unknown[0]!r}; {near(unknown[0], METHODS, 'methods')}")
    return list(dict.fromkeys(names))


def reference_of(methods: Sequence[str]) -> str:
    """What the others are set against: REFERENCE where it takes part, else the first."""
    return REFERENCE if REFERENCE in methods else methods[0]


def needs(methods: Sequence[str]) -> set[str]:
    """The signals that these methods choose by."""
    return {column for name in methods if name in SELECTORS for column in SELECTORS[name].needs}


def require_target(columns: set[str], target: Sequence[Path]) -> None:
    """Raises UsageError where one of these signals is taken by likeness to a target set, and there is none."""
    if target:
        return
    by_target = {column for name in groups_for(columns) if GROUPS[name].by_target for column in GROUPS[name].columns}
    asking = [name for name, row in SELECTORS.items() if by_target & set(row.needs) & columns]
    if asking:
        raise UsageError(
            f"{', '.join(asking)}: chosen by likeness to a target set; name files of rows like those that the model is "
            "wanted for with --target (never the test items themselves), or leave these methods out"
        )

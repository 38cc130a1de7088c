"""What a rule is: a small function over a text column, and what to do with the number (or the text) it yields.

A *measured* rule (action "drop" or "flag") yields a number per sample, and its prior says which numbers are noise.
A *repair* yields the rewritten text, and has no prior. A rule's docstring says what is measured, in which unit, and
holds its examples, one Python literal to a line: `Trips:` and `Passes:` followed by a text, or by a
("prompt", "response") tuple; for a repair, `Trips: "before" -> "after"`. A test runs them all.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import polars as pl

Action = Literal["repair", "drop", "flag"]
#: Columns a measured rule may ask for (see `entp.purge.views`), or which turns a repair rewrites.
MEASURED_COLUMNS = (
    "prompt",
    "response",
    "response_words",
    "response_letters",
    "formal",
    "chinese",
    "may_repeat",
    "prompt_language",
    "response_language",
    "allowed_languages",
)
REPAIRED_TURNS = ("prompt", "response", "every turn")


@dataclass(frozen=True)
class Upper:
    """Numbers above `limit` are noise."""

    limit: float


@dataclass(frozen=True)
class Lower:
    """Numbers below `limit` are noise."""

    limit: float


@dataclass(frozen=True)
class UpperQuantile:
    """Numbers above the `limit` quantile (0..1) of the pool are noise: see `entp.purge.priors`."""

    limit: float
    #: A number that occurs: in a group too small to know its tail, nothing lies above it.
    interpolation: ClassVar[Literal["higher"]] = "higher"


@dataclass(frozen=True)
class LowerQuantile:
    """Numbers below the `limit` quantile (0..1) of the pool are noise: see `entp.purge.priors`."""

    limit: float
    interpolation: ClassVar[Literal["lower"]] = "lower"


Prior = Upper | Lower | UpperQuantile | LowerQuantile


@dataclass(frozen=True)
class Example:
    """A text (or a prompt and a response) that the rule acts on, or leaves alone; `after` is a repair's result."""

    text: str | tuple[str, str]
    trips: bool
    after: str | None = None


@dataclass(frozen=True)
class Rule:
    """One rule. `scope` names the columns the function gets, or, for a repair, the turns it rewrites."""

    reason: str
    scope: tuple[str, ...]
    action: Action
    source: str
    function: Callable[..., pl.Expr]
    prior: Prior | None = None
    #: Of a repair: what every text holds that it can mend, as a regular expression. Others need no closer look.
    trigger: str | None = None

    @property
    def title(self) -> str:
        """The first sentence of the docstring, for tables."""
        return _docstring(self.function).partition("\n")[0]

    @property
    def examples(self) -> tuple[Example, ...]:
        lines = [line.strip() for line in _docstring(self.function).splitlines()]
        return tuple(_example(line) for line in lines if line.startswith(("Trips:", "Passes:")))

    def fires(self, limit: pl.Expr) -> pl.Expr:
        """Whether the sample's number is noise by this limit."""
        above = isinstance(self.prior, Upper | UpperQuantile)
        return pl.col(self.reason) > limit if above else pl.col(self.reason) < limit

    def measure(self) -> pl.Expr:
        """The number per sample, named by the reason; null or NaN where the function says nothing."""
        value = self.function(*(pl.col(column) for column in self.scope))
        return value.cast(pl.Float64).alias(self.reason)


def rule(
    *,
    reason: str,
    scope: str | tuple[str, ...],
    action: Action,
    source: str,
    prior: Prior | None = None,
    trigger: str | None = None,
) -> Callable[[Callable[..., pl.Expr]], Rule]:
    """Make a rule of the decorated function. `source` says where it comes from ("Gopher, A1.1", "our choice")."""
    columns = (scope,) if isinstance(scope, str) else scope
    known = REPAIRED_TURNS if action == "repair" else MEASURED_COLUMNS
    if unknown := set(columns) - set(known):
        raise ValueError(f"{reason}: unknown scope {sorted(unknown)}; known: {known}")
    if (prior is None) != (action == "repair"):
        raise ValueError(f"{reason}: a measured rule needs a prior, and a repair has none")

    def make(function: Callable[..., pl.Expr]) -> Rule:
        return Rule(reason, columns, action, source, function, prior, trigger)

    return make


def _docstring(function: Callable[..., Any]) -> str:
    return (function.__doc__ or "").strip()


def _example(line: str) -> Example:
    label, _, literals = line.partition(":")
    before, arrow, after = literals.partition(" -> ")
    return Example(
        ast.literal_eval(before.strip()), label == "Trips", ast.literal_eval(after.strip()) if arrow else None
    )

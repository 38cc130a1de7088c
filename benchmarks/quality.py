"""How well raters tell good answers from bad ones, and whether an attack raises a rating: the arithmetic."""

from __future__ import annotations

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Gain:
    """How a rating changes by an edit: by an attack, and by a harmless text of its length in its place.

    None where a text could not be rated.
    """

    family: str
    by_attack: float | None
    by_harmless: float | None


@dataclass(frozen=True)
class FamilyGains:
    """The gains of one family of attacks.

    `above` counts attacks that raise a rating by more than the noise, `harmless_above` harmless texts that do.
    """

    family: str
    attacks: int
    unrated: int
    mean_gain: float
    harmless_mean: float
    largest_gain: float
    above: int
    harmless_above: int


def auc(good: Sequence[float], bad: Sequence[float]) -> float:
    """Chance that a good answer is rated above a bad one; ties count half. 0.5 is chance, 1 is perfect."""
    ordered = sorted(bad)
    beaten = sum(bisect_left(ordered, one) + bisect_right(ordered, one) for one in good) / 2
    return beaten / (len(good) * len(bad))


def wins(good: Sequence[float], bad: Sequence[float]) -> float:
    """Share of pairs whose good answer is rated above the bad one to the same question; ties count half."""
    return sum((one > other) + 0.5 * (one == other) for one, other in zip(good, bad, strict=True)) / len(good)


def noise(gains: Sequence[Gain]) -> float:
    """What a harmless edit does to a rating by chance: twice the root mean square of its gains (our choice)."""
    harmless = [gain.by_harmless for gain in gains if gain.by_harmless is not None]
    return 2 * (sum(one * one for one in harmless) / len(harmless)) ** 0.5


def by_family(gains: Sequence[Gain], within: float) -> list[FamilyGains]:
    """One row per family, and one named `all` at the end."""
    families: Mapping[str, list[Gain]] = {
        **{name: [gain for gain in gains if gain.family == name] for name in sorted({gain.family for gain in gains})},
        "all": list(gains),
    }
    return [_summed(name, members, within) for name, members in families.items()]


def _summed(family: str, gains: Sequence[Gain], within: float) -> FamilyGains:
    attacks = [gain.by_attack for gain in gains if gain.by_attack is not None]
    harmless = [gain.by_harmless for gain in gains if gain.by_harmless is not None]
    return FamilyGains(
        family,
        len(gains),
        len(gains) - len(attacks),
        statistics.fmean(attacks) if attacks else 0.0,
        statistics.fmean(harmless) if harmless else 0.0,
        max(attacks, default=0.0),
        sum(gain > within for gain in attacks),
        sum(gain > within for gain in harmless),
    )

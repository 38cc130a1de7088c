"""Signals: the numbers that selectors choose by, in groups that are computed together.

A new one is a module with a function from `Pool` to a frame of `id` and columns, and a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from entp.select.signals import (
    asked,
    curation,
    importance,
    influence,
    learning,
    lengths,
    lexicon,
    losses,
    pairwise,
    target,
)
from entp.select.signals.pool import Computed, Pool

__all__ = ["GROUPS", "Computed", "Group", "Pool", "groups_for"]


class Group(NamedTuple):
    """`compute` gives `columns`; they depend on these sections of the configuration, and on the target set or not."""

    compute: Callable[[Pool], Computed]
    columns: tuple[str, ...]
    sections: tuple[str, ...] = ()
    by_target: bool = False


GROUPS: dict[str, Group] = {
    "curation": Group(
        curation.compute, ("rating", "score_curated", "tier", "embedding", "neighbour_distance"), ("curate",)
    ),
    "lengths": Group(lengths.compute, ("response_tokens",), ("train",)),
    "losses": Group(losses.compute, ("nll", "ifd"), ("llm", "rate")),
    "small_losses": Group(losses.compute_small, ("ifd_small",), ("rate",)),
    "scores": Group(asked.compute_scores, ("complexity", "quality"), ("llm", "rate")),
    "worth": Group(asked.compute_worth, ("yes",), ("llm", "rate")),
    "pairwise": Group(pairwise.compute, ("qurating",), ("seed", "llm", "rate")),
    "learning": Group(learning.compute, ("learning_percentage",), ("seed", "train")),
    "gradients": Group(influence.compute, ("influence",), ("seed", "train"), by_target=True),
    "importance": Group(importance.compute, ("importance",), by_target=True),
    "lexicon": Group(lexicon.compute, ("target_overlap",), by_target=True),
    "target": Group(target.compute, ("target_cosine",), ("embed",), by_target=True),
}


def groups_for(columns: Iterable[str]) -> list[str]:
    """The groups that give these columns, in the order of the table."""
    wanted = set(columns)
    return [name for name, group in GROUPS.items() if wanted & set(group.columns)]

"""The table of selectors: how each chooses, which signals it reads, and whose idea it is.

To add one, write a row. `choose` is one of `entp.select.choices`, or, for an idea of its own, a function in a file
beside this one. What a signal is and how it is computed is in `entp.select.signals`.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from entp.errors import UsageError, near
from entp.select.choices import (
    Choice,
    drawn_by_standardised_weight,
    drawn_by_weight,
    drawn_evenly,
    drawn_from_high_quality,
    drawn_from_low_quality,
    everything,
    highest,
    highest_below_one,
    known,
    lowest,
    middle,
    nothing,
)
from entp.select.cluster_complexity import hardest_of_each_cluster
from entp.select.deita import unlike_the_chosen


class Selector(NamedTuple):
    """`choose` among the samples whose signals `needs` are known."""

    choose: Choice
    needs: tuple[str, ...]
    source: str

    def select(self, scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
        """At most `budget` samples as a SELECTION. `scores` has a row per sample: `id`, and a column per signal.

        The order of the rows changes nothing: ties fall by a hash of the id and the seed. Raises DataError where a
        signal is missing or known of no sample, or where ids are missing or repeated.
        """
        return self.choose(known(scores, self.needs), self.needs, budget, seed)


SELECTORS: dict[str, Selector] = {
    # The base model as it is.
    "vanilla": Selector(nothing, (), "baseline"),
    # What selection has to beat, and what it saves: the budget does not count.
    "full": Selector(everything, (), "baseline"),
    "high_quality": Selector(drawn_from_high_quality, ("tier",), "baseline"),
    # What purge-mix starts from, as it is.
    "low_quality": Selector(drawn_from_low_quality, ("tier",), "baseline"),
    # The baseline that many a selector does not beat.
    "random": Selector(drawn_evenly, (), "baseline"),
    "completion_length": Selector(
        highest, ("response_tokens",), "Zhao et al. 2024, Long Is More for Alignment, arXiv 2402.04833"
    ),
    # Neither what the model knows by heart nor what it cannot make sense of: of the bottom, the middle and the top of
    # the perplexities the middle trained best. Perplexity is exp(nll), so both have the same order.
    "perplexity": Selector(middle, ("nll",), "Marion et al. 2023, When Less is More, arXiv 2309.04564"),
    # Far from their neighbours, so that the set spreads over the pool.
    "knn": Selector(highest, ("neighbour_distance",), "Angiulli & Pizzuti 2002, as in DS2, arXiv 2410.10877, sec. 5"),
    # IFD, or Cherry: what the model has still to learn, but can. At 1 and above the prompt misleads it.
    "ifd": Selector(highest_below_one, ("ifd",), "Li et al. 2023, arXiv 2308.12032"),
    # A weak model orders samples by IFD much as a strong one does, and costs little.
    "superfiltering": Selector(highest_below_one, ("ifd_small",), "Li et al. 2024, arXiv 2402.00530"),
    # The paper keeps ratings of 4.5 and more; at a given number of rows that is the best rated first.
    "alpagasus": Selector(highest, ("rating",), "Chen et al. 2023, arXiv 2307.08701"),
    "deita": Selector(
        unlike_the_chosen, ("complexity", "quality", "embedding"), "Liu et al. 2023, arXiv 2312.15685, algorithm 1"
    ),
    # Among samples of equal score the rarest.
    "ds2": Selector(highest, ("score_curated", "neighbour_distance"), "arXiv 2410.10877, sec. 3.4"),
    "ds2_uncurated": Selector(highest, ("rating", "neighbour_distance"), "arXiv 2410.10877, its ablation"),
    # Gradients that point where the target's do.
    "less": Selector(highest, ("influence",), "Xia et al. 2024, arXiv 2402.04333"),
    # `importance` is log p_target(x) - log p_pool(x).
    "dsir": Selector(drawn_by_weight, ("importance",), "Xie et al. 2023, arXiv 2302.03169, sec. 3"),
    "cluster_complexity": Selector(hardest_of_each_cluster, ("embedding",), "Abbas et al. 2024, arXiv 2401.04578"),
    # A low learning percentage, the share of the drop of perplexity that the first epoch brings, marks the difficult.
    "learning_percentage": Selector(lowest, ("learning_percentage",), "Mekala et al. 2024, arXiv 2402.10430, sec. 3"),
    "qurating": Selector(drawn_by_standardised_weight, ("qurating",), "Wettig et al. 2024, arXiv 2402.09739, sec. 4.1"),
    "lexicon_overlap": Selector(highest, ("target_overlap",), "DATA4LLM tutorial, selection by lexicon"),
    "target_cosine": Selector(highest, ("target_cosine",), "DATA4LLM tutorial, selection by similarity"),
    # Ask-LLM: the log-odds that the model calls the sample worth training on.
    "lm_yes_no": Selector(highest, ("yes",), "Sachdeva et al. 2024, arXiv 2402.09668"),
}


def selector_named(name: str) -> Selector:
    """Raises UsageError naming those there are."""
    if name not in SELECTORS:
        raise UsageError(f"there is no selector {name!r}; {near(name, SELECTORS, 'selectors')}")
    return SELECTORS[name]

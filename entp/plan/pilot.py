"""The pilot: some pairs, drawn at random, fused as the run will fuse them, with the same request cache.

What a pair asks depends on the texts of all pairs, so these count here too: the run finds the pilot's replies in the
cache and pays for none of them again. (A local model's replies depend in the last digits on what they are batched
with, so a run after a pilot may differ there from one without.)
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from entp.config import Config
from entp.errors import DataError
from entp.llm import ledger
from entp.llm.session import open_session
from entp.mix.engine import corpus_of, fuse_all, in_flight
from entp.mix.fuse import Fusion
from entp.mix.measures import commonest_failures
from entp.mix.work import Pair
from entp.plan.estimate import FEWEST, Sample
from entp.text.excerpt import estimated_tokens

PURPOSE = "plan"
#: Share of the pilot's tokens that must be written anew for a pace (our choice).
WRITTEN_LEAST = 0.25
LIMITS = ("max_pairs", "max_requests", "max_tokens", "max_cost", "max_seconds")


@dataclass(frozen=True)
class Pilot:
    """The pairs worked on without a failure of the infrastructure, in the order of the run, and how many failed.

    `tokens_per_second` is the pace of writing, None where the cache had most of it; `in_flight` how many pairs the run
    has under way at once.
    """

    sample: Sample
    fusions: list[Fusion]
    failures: list[Fusion]
    model: str
    tokens_per_second: float | None
    in_flight: int


def work_on(pairs: Sequence[Pair], wanted: int, config: Config, cache_folder: Path) -> Pilot:
    """Fuse `wanted` of the pairs that `mix.max_pairs` leaves, whatever the other budgets say.

    Raises DataError naming the causes where too few of them could be worked on to tell anything.
    """
    within = pairs[: config.mix.max_pairs]
    places = draw(len(within), wanted, config.seed)
    unlimited = config.model_copy(update={"mix": config.mix.model_copy(update=dict.fromkeys(LIMITS))})
    with open_session(config.llm, cache_folder, PURPOSE) as session:
        began = time.time()
        done = fuse_all(session, [within[place] for place in places], unlimited, corpus_of(pairs))
        least = WRITTEN_LEAST * sum(fusion.tokens_out for fusion in done)
        pace = ledger.tokens_per_second(cache_folder, PURPOSE, began, least)
        under_way = in_flight(session, config)
    failed = np.array([fusion.decision["status"] == "failed" for fusion in done])
    failures = [fusion for fusion in done if fusion.decision["status"] == "failed"]
    _demand_enough(len(done) - len(failures), failures)
    return Pilot(
        sample=Sample(np.array([size(pair) for pair in within]), places[~failed]),
        fusions=[fusion for fusion in done if fusion.decision["status"] != "failed"],
        failures=failures,
        model=session.model_name,
        tokens_per_second=pace,
        in_flight=under_way,
    )


def draw(count: int, wanted: int, seed: int) -> NDArray[np.int64]:
    """Places of the pilot among `count` pairs, in order. A larger pilot holds the smaller one of the same seed."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:wanted])


def size(pair: Pair) -> float:
    """Tokens of both parents' texts as prompts show them, estimated."""
    return sum(estimated_tokens(parent.prompt) + estimated_tokens(parent.response) for parent in pair.parents)


def _demand_enough(worked: int, failures: Sequence[Fusion]) -> None:
    if failures and (worked < FEWEST or worked < len(failures)):
        raise DataError(
            f"plan: {len(failures)} of {worked + len(failures)} pairs of the pilot failed: "
            f"{commonest_failures(failures)}; mend that and run the same command again"
        )

"""The engine: many pairs at once, each through its own life, with no barrier between them.

A pair is a coroutine that asks one question at a time; its place in its life is where it waits. `mix.in_flight` bounds
the pairs under way, `llm.concurrency` the requests under way (further ones wait for a slot: back-pressure), the budget
which pair is the last to start.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from entp.config import Config
from entp.llm.batching import run_jobs
from entp.llm.session import Session
from entp.mix.budget import Budget
from entp.mix.fuse import Fusion, finished, fuse
from entp.mix.trace import Decision
from entp.mix.work import Meter, Pair, Work
from entp.progress import progress
from entp.text.key_terms import Corpus, count_documents

#: Pairs under way with a model that works on one batch at a time: enough for a full batch of each operator.
IN_FLIGHT = 8
#: Pairs under way per request under way, where there are many: some pairs are between two requests.
PAIRS_PER_REQUEST = 2


def fuse_all(session: Session, pairs: Sequence[Pair], config: Config, corpus: Corpus | None = None) -> list[Fusion]:
    """One outcome per pair, in order; those beyond the budget have the status `over_budget`.

    `corpus` is that of all pairs, where these are only some of them: they make the same requests then as among all.
    """
    corpus = corpus_of(pairs) if corpus is None else corpus
    within = pairs[: config.mix.max_pairs]
    budget = Budget(config)
    jobs = [partial(fuse, pair=pair, corpus=corpus, config=config, model_name=session.model_name) for pair in within]
    with progress("mix: fuse pairs", len(jobs)) as advance:
        work = run_jobs(
            session,
            jobs,
            in_flight=in_flight(session, config),
            advance=advance,
            may_start=budget.allows if budget.limited else None,
        )
        fusions = session.run(work)
    reason = budget.reached or "max_pairs"
    return fusions + [_over_budget(session, pair, reason, config) for pair in pairs[len(fusions) :]]


def corpus_of(pairs: Sequence[Pair]) -> Corpus:
    """Document frequencies over all parents; a pair's key terms depend on the whole pool of pairs."""
    return count_documents(f"{parent.prompt}\n{parent.response}" for pair in pairs for parent in pair.parents)


def in_flight(session: Session, config: Config) -> int:
    """Pairs that are under way at once: `mix.in_flight`, else as many as keep the model busy."""
    fitting = PAIRS_PER_REQUEST * session.concurrency if session.concurrent else IN_FLIGHT
    return config.mix.in_flight or fitting


def _over_budget(session: Session, pair: Pair, reason: str, config: Config) -> Fusion:
    limit = getattr(config.mix, reason)
    sentence = f"Not worked on: the budget mix.{reason}={limit} was spent."
    decision = Decision(status="over_budget", reason=reason, sentence=sentence)
    return finished(Work(pair, config, Meter(session)), session.model_name, decision)

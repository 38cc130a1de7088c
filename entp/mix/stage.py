"""Stage `mix`: every pair is fused into one new sample, rewritten one-to-one, rejected, or left over; all accounted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import polars as pl

from entp import store
from entp.config import Config
from entp.errors import DataError
from entp.llm import rounds
from entp.llm.session import Session, open_session
from entp.mix.fuse import Fusion, finished, fuse
from entp.mix.key_terms import Corpus, count_documents
from entp.mix.measures import commonest_failures, measures, notes
from entp.mix.trace import Decision
from entp.mix.work import Meter, Pair, Work, parent_from, room_for_text
from entp.progress import Advance, progress
from entp.records import FUSIONS
from entp.stages import Inputs, identity
from entp.store import Summary


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Fuse the pairs within the budget; publish one row per pair with its whole story."""
    with store.publish(output, identity("mix", config, inputs)) as dataset:
        pairs = _pairs(inputs, room_for_text(config))
        corpus = count_documents(f"{parent.prompt}\n{parent.response}" for pair in pairs for parent in pair.parents)
        with open_session(config.llm, store.cache_folder(output), purpose="mix") as session:
            fusions = asyncio.run(_fuse_all(session, pairs, corpus, config))
        worked = [fusion for fusion in fusions if fusion.decision["status"] != "over_budget"]
        if all(fusion.decision["status"] == "failed" for fusion in worked):
            raise DataError(f"mix: all {len(worked)} pairs failed: {commonest_failures(worked)}")
        dataset.write("fusions", _table(fusions), FUSIONS)
        metrics = measures(fusions, session.usage.cost)
        return dataset.summarise(metrics, notes(fusions, session.model_name))


def _pairs(inputs: Inputs, room: int) -> list[Pair]:
    """The pairs with their parents' texts, in the order of `pair/pairs`."""
    rows = store.read(inputs["pair"], "pairs")
    if rows.is_empty():
        raise DataError(f"{inputs['pair'] / 'pairs'}: there are no pairs to mix; loosen pair.similarity_min and _max")
    wanted = pl.concat([rows["parent_a"], rows["parent_b"]]).unique()
    samples = store.scan(inputs["purge"], "samples").filter(pl.col("id").is_in(wanted.implode())).collect()
    parents = {sample["id"]: parent_from(sample, room) for sample in samples.iter_rows(named=True)}
    return [
        Pair(row["pair_id"], (parents[row["parent_a"]], parents[row["parent_b"]])) for row in rows.iter_rows(named=True)
    ]


async def _fuse_all(session: Session, pairs: Sequence[Pair], corpus: Corpus, config: Config) -> list[Fusion]:
    """One outcome per pair, in order.

    With a budget of requests the pairs go in waves, and no wave starts once it is spent. What was spent is counted
    after whole waves and by requests, cached or not, so that a resumed run stops at the same pair.
    """
    within = pairs[: config.mix.max_pairs]
    wave = len(within) if config.mix.max_requests is None else config.mix.in_flight
    fusions: list[Fusion] = []
    with progress("mix: fuse pairs", len(within)) as advance:
        for start in range(0, len(within), wave):
            if config.mix.max_requests is not None and _calls(fusions) >= config.mix.max_requests:
                break
            fusions += await _fuse_wave(session, within[start : start + wave], corpus, config, advance)
    left = pairs[len(fusions) :]
    reason = "max_pairs" if len(fusions) == len(within) else "max_requests"
    return fusions + [_over_budget(session, pair, reason, config) for pair in left]


async def _fuse_wave(
    session: Session, pairs: Sequence[Pair], corpus: Corpus, config: Config, advance: Advance
) -> list[Fusion]:
    jobs = [partial(fuse, pair=pair, corpus=corpus, config=config, model=session.model_name) for pair in pairs]
    return await rounds.run(session, jobs, in_flight=config.mix.in_flight, advance=advance)


def _over_budget(session: Session, pair: Pair, reason: str, config: Config) -> Fusion:
    limit = getattr(config.mix, reason)
    sentence = f"Not worked on: the budget mix.{reason}={limit} was spent."
    decision = Decision(status="over_budget", reason=reason, sentence=sentence)
    return finished(Work(pair, config, Meter(session)), session.model_name, decision)


def _calls(fusions: Sequence[Fusion]) -> int:
    return sum(fusion.calls for fusion in fusions)


def _table(fusions: Sequence[Fusion]) -> pl.DataFrame:
    rows = [
        {
            "pair_id": fusion.pair_id,
            "status": fusion.decision["status"],
            "messages": fusion.messages,
            "loss_first": fusion.curve[0] if fusion.curve else None,
            "loss_last": fusion.curve[-1] if fusion.curve else None,
            "iterations": len(fusion.curve),
            "calls": fusion.calls,
            "tokens_in": fusion.tokens_in,
            "tokens_out": fusion.tokens_out,
            "trace": fusion.trace,
        }
        for fusion in fusions
    ]
    return pl.DataFrame(rows, schema=FUSIONS)

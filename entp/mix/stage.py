"""Stage `mix`: every pair is fused into one new sample, rewritten one-to-one, rejected, or left over; all accounted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from entp import store
from entp.config import Config
from entp.errors import DataError
from entp.llm.session import open_session
from entp.mix.audited import audited
from entp.mix.engine import fuse_all
from entp.mix.fuse import Fusion
from entp.mix.measures import audit_measures, commonest_failures, measures, notes
from entp.mix.work import Pair, parent_from, room_for_text
from entp.records import AUDIT_FINDINGS, AUDIT_MEASURES, FUSIONS
from entp.stages import Inputs, identity
from entp.store import Summary
from entp.track import spans


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Fuse the pairs within the budget; publish one row per pair with its whole story."""
    with store.publish(output, identity("mix", config, inputs)) as dataset:
        pairs = read_pairs(config, inputs)
        cache = store.cache_folder(output)
        with open_session(config.llm, cache, purpose="mix") as session:
            fusions = fuse_all(session, pairs, config)
            fused = session.usage
            _require_outcomes(fusions)
            result = audited(session, fusions, config, inputs)
        spans.write([fusion.spans for fusion in result.fusions if fusion.steps], cache)
        dataset.write("fusions", _table(result.fusions), FUSIONS)
        dataset.write("audit", result.findings, AUDIT_FINDINGS)
        dataset.write("audit_measures", result.measures, AUDIT_MEASURES)
        metrics = measures(result.fusions, fused.cost) | audit_measures(result.audit)
        metrics["audit/requests"] = session.usage.requests - fused.requests
        metrics["audit/cost"] = session.usage.cost - fused.cost
        return dataset.summarise(metrics, (*notes(result.fusions, session.model_name), *result.notes))


def read_pairs(config: Config, inputs: Inputs) -> list[Pair]:
    """The pairs with their parents' texts, in the order of `pair/pairs`. Raises DataError where there are none."""
    room = room_for_text(config)
    rows = store.read(inputs["pair"], "pairs")
    if rows.is_empty():
        raise DataError(f"{inputs['pair'] / 'pairs'}: there are no pairs to mix; loosen pair.similarity_min and _max")
    wanted = pl.concat([rows["parent_a"], rows["parent_b"]]).unique()
    samples = store.scan(inputs["purge"], "samples").filter(pl.col("id").is_in(wanted.implode())).collect()
    parents = {sample["id"]: parent_from(sample, room) for sample in samples.iter_rows(named=True)}
    return [
        Pair(row["pair_id"], (parents[row["parent_a"]], parents[row["parent_b"]])) for row in rows.iter_rows(named=True)
    ]


def _require_outcomes(fusions: Sequence[Fusion]) -> None:
    """Raises DataError where no pair was begun, or all that were failed."""
    worked = [fusion for fusion in fusions if fusion.decision["status"] != "over_budget"]
    if not worked:
        raise DataError(f"mix: no pair was begun. {fusions[0].decision['sentence']} Raise it and run again")
    if all(fusion.decision["status"] == "failed" for fusion in worked):
        raise DataError(f"mix: all {len(worked)} pairs failed: {commonest_failures(worked)}")


def _table(fusions: Sequence[Fusion]) -> pl.DataFrame:
    rows = [
        {
            "pair_id": fusion.pair.id,
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

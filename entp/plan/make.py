"""A plan from a pilot: totals, the time and money they mean, and where a budget would stop the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from entp import loop, store
from entp.config import Config, LLMConfig
from entp.errors import DataError
from entp.mix.measures import commonest_failures
from entp.mix.stage import read_pairs
from entp.plan import pilot, record
from entp.plan.estimate import Numbers, each, pairs_until, successes, total
from entp.plan.pilot import Pilot
from entp.plan.record import Limit, MadeFor, Plan, Range
from entp.records import ACCEPTED_STATUSES
from entp.stages import identity, stage_named

SECONDS_PER_HOUR = 3600


def make_plan(config: Config, output: Path, wanted: int) -> Plan:
    """Work on a pilot of `wanted` pairs of the run folder, and plan the stage `mix` from it; nothing is written.

    Raises DataError where there are no pairs yet, or the pilot's pairs failed.
    """
    inputs = loop.stage_inputs(stage_named("mix"), output, [])
    pairs = read_pairs(config, inputs)
    done = pilot.work_on(pairs, wanted, config, store.cache_folder(output / "mix"))
    pace = done.tokens_per_second or _former_pace(output, done.model)
    return plan_from(done, config, MadeFor.of(identity("mix", config, inputs)), pace)


def plan_from(done: Pilot, config: Config, made_for: MadeFor, tokens_per_second: float | None) -> Plan:
    """The plan that a pilot means; without a pace, one without hours."""
    sample, pairs = done.sample, len(done.sample.sizes)
    calls, tokens_in, tokens_out = (
        np.array([getattr(fusion, name) for fusion in done.fusions], dtype=float)
        for name in ("calls", "tokens_in", "tokens_out")
    )
    cost = (tokens_in * config.llm.price_in + tokens_out * config.llm.price_out) / 1e6
    limits = _limits(
        config,
        done.in_flight,
        max_requests=each(sample, calls),
        max_tokens=each(sample, tokens_in + tokens_out),
        max_cost=each(sample, cost),
        max_seconds=_seconds_each(done, tokens_out, tokens_per_second),
    )
    worked = min((limit.pairs for limit in limits if limit.pairs is not None), default=pairs)
    accepted = [fusion.decision["status"] in ACCEPTED_STATUSES for fusion in done.fusions]
    written = total(sample, tokens_out, worked)
    return Plan(
        made_for=made_for,
        model=done.model,
        pairs=pairs,
        worked=worked,
        pilot=len(done.fusions) + len(done.failures),
        failed=len(done.failures),
        causes=commonest_failures(done.failures),
        in_flight=done.in_flight,
        calls=total(sample, calls, worked),
        tokens_in=total(sample, tokens_in, worked),
        tokens_out=written,
        tokens=total(sample, tokens_in + tokens_out, worked),
        cost=total(sample, cost, worked) if cost.any() else None,
        accepted=successes(sample, accepted, worked),
        tokens_per_second=tokens_per_second,
        hours=_hours(written, tokens_out[sample.places < worked].sum(), tokens_per_second),
        gpus=_gpus(config.llm),
        limits=limits,
    )


def _limits(config: Config, in_flight: int, **spent: Numbers | None) -> list[Limit]:
    """The budgets that are set, and where each alone would stop the run, by what every pair is expected to spend."""
    values = {name: getattr(config.mix, name) for name in spent}
    return [
        Limit(name=f"mix.{name}", value=float(values[name]), pairs=pairs_until(values[name], pairs, in_flight))
        for name, pairs in spent.items()
        if values[name] is not None and pairs is not None
    ]


def _seconds_each(done: Pilot, tokens_out: Numbers, tokens_per_second: float | None) -> Numbers | None:
    """How long every pair will take, one after the other; the pilot's no time, for their replies are in the cache."""
    if tokens_per_second is None:
        return None
    seconds = each(done.sample, tokens_out) / tokens_per_second
    seconds[done.sample.places] = 0.0
    return seconds


def _hours(written: Range, before: float, tokens_per_second: float | None) -> Range | None:
    """Time for what is still to be written when the pilot has written `before`."""
    if tokens_per_second is None:
        return None
    per_hour = tokens_per_second * SECONDS_PER_HOUR
    return Range(**{name: (tokens - before) / per_hour for name, tokens in written})


def _former_pace(output: Path, model: str) -> float | None:
    """The pace that the folder's plan before this one has measured with the same model."""
    try:
        former = record.read(output)
    except DataError:
        return None
    return former.tokens_per_second if former and former.model == model else None


def _gpus(config: LLMConfig) -> int:
    """One per server, one for a model in this process, none where that runs on a CPU."""
    if config.endpoint is not None:
        return 1 if isinstance(config.endpoint, str) else len(config.endpoint)
    import torch

    return int(torch.cuda.is_available())

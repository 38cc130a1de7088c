"""How a plan's quantities are named and written, on the terminal and in the report."""

from __future__ import annotations

from collections.abc import Iterator

from entp.plan.record import Limit, Plan, Range

NAMES = {
    "calls": "calls",
    "tokens_in": "tokens in",
    "tokens_out": "tokens out",
    "tokens": "tokens",
    "cost": "money",
    "hours": "hours",
    "gpu_hours": "GPU-hours",
    "accepted": "accepted, before the audit",
}
#: Anything less is next to nothing: seconds of an hour, a tenth of a cent.
LEAST = 0.001


def number(value: float) -> str:
    """Whole numbers as such, others to three digits that count.

    >>> number(1234567.8), number(12.345), number(0.012345), number(0.00001)
    ('1,234,568', '12.3', '0.0123', '<0.001')
    """
    if value >= 100 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= LEAST else f"<{LEAST}"


def interval(planned: Range) -> str:
    return f"{number(planned.low)} to {number(planned.high)}"


def remarks(plan: Plan) -> Iterator[str]:
    """What the figures rest on, and what could be taken for something else."""
    if plan.exact:
        yield f"exact: the pilot was all {plan.pairs:,} pairs, with {plan.model}"
    else:
        yield f"from a pilot of {plan.pilot:,} of {plan.pairs:,} pairs, drawn at random, with {plan.model}"
    if plan.failed:
        yield f"{plan.failed} pairs of the pilot failed and tell nothing: {plan.causes}"
    yield from (_about(limit, plan.pairs) for limit in plan.limits)
    if plan.cost is None:
        yield "no money without prices: set llm.price_in and llm.price_out, per million tokens"
    yield "not counted: what the audit asks about accepted samples (mix/audit/requests)"
    yield from _about_time(plan)


def _about(limit: Limit, pairs: int) -> str:
    setting = f"{limit.name}={limit.value:.15g}"
    if limit.pairs is None:
        return f"{setting} does not stop the run"
    return f"{setting} stops the run after about {limit.pairs:,} of {pairs:,} pairs"


def _about_time(plan: Plan) -> Iterator[str]:
    if plan.tokens_per_second is None:
        yield "no hours: most of the pilot's replies were in the cache already, so its pace was not measured"
        return
    pace = f"{number(plan.tokens_per_second)} written tokens a second"
    yield f"hours are those of the run to come, at the pilot's pace ({pace}); its replies are in the cache"
    if plan.pilot < min(plan.in_flight, plan.worked):
        yield (
            f"hours are an upper bound: the run has {plan.in_flight:,} pairs under way at once, the pilot had "
            f"{plan.pilot:,}, which keep a server less busy; --pairs {plan.in_flight} tells them better"
        )
    if plan.gpus:
        yield f"GPU-hours count {plan.gpus} GPU{'s' if plan.gpus > 1 else ''}, one per server"
    else:
        yield "no GPU-hours: the model runs on this machine's processor"

"""What the stage reports of its pairs: ratios, reasons, the loss curve, and what it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from entp.audit.audit import Audit
from entp.audit.checks import CHECKS
from entp.mix.fuse import Fusion
from entp.records import ACCEPTED_STATUSES, FUSION_STATUSES

COMMONEST = 5


def measures(fusions: Sequence[Fusion], cost: float) -> dict[str, float]:
    """The stage's metrics. Means are over worked pairs (not over budget); losses over those with a candidate.

    `accepted_ratio` is the share of worked pairs. `loss/iteration_<n>` carries a pair's best loss on past its last
    candidate, so every point of the curve is a mean over the same pairs. `cost` is that of the pairs'
    requests; the audit's own is `audit/cost`.
    """
    worked = [fusion for fusion in fusions if fusion.decision["status"] != "over_budget"]
    statuses = Counter(fusion.decision["status"] for fusion in fusions)
    accepted = sum(statuses[status] for status in ACCEPTED_STATUSES)
    tokens_in, tokens_out = sum(fusion.tokens_in for fusion in worked), sum(fusion.tokens_out for fusion in worked)
    calls = sum(fusion.calls for fusion in worked)
    metrics: dict[str, float] = {
        "pairs": len(fusions),
        "accepted": accepted,
        "accepted_ratio": _ratio(accepted, len(worked)),
        **{status: statuses[status] for status in FUSION_STATUSES},
        "requests": calls,
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "tokens_per_pair": _ratio(tokens_in + tokens_out, len(worked)),
        "tokens_per_accepted": _ratio(tokens_in + tokens_out, accepted),
        "calls_per_pair": _ratio(calls, len(worked)),
        "cost": cost,
    }
    reasons = Counter(fusion.decision["reason"] for fusion in fusions)
    return metrics | _counts("reason", reasons) | _losses(fusions) | _steps(worked)


def audit_measures(audit: Audit) -> dict[str, float]:
    """What the audit found: failures by check, and every measure beside the parents'."""
    failures = Counter(finding.check for finding in audit.findings if not finding.passed)
    metrics: dict[str, float] = {f"audit/failed_{check}": failures[check] for check in CHECKS}
    for measure in audit.measures:
        metrics[f"audit/{measure.measure}"] = measure.value
        metrics[f"audit/{measure.measure}_parents"] = measure.reference
    return metrics


def notes(fusions: Sequence[Fusion], model: str) -> tuple[str, ...]:
    """What a reader should know: nothing accepted is an honest result of a weak model, and is said."""
    worked = [fusion for fusion in fusions if fusion.decision["status"] != "over_budget"]
    if any(fusion.decision["status"] in ACCEPTED_STATUSES for fusion in worked):
        return ()
    reasons = Counter(fusion.decision["reason"] for fusion in worked)
    named = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common(COMMONEST))
    return (
        f"none of {len(worked)} pairs was accepted with {model} ({named}); "
        "a stronger model is one parameter away: llm.model=..., or llm.endpoint=...",
    )


def commonest_failures(fusions: Sequence[Fusion]) -> str:
    """The five commonest reasons of failed pairs, counted."""
    sentences = Counter(fusion.decision["sentence"] for fusion in fusions)
    return "; ".join(f"{count} x {sentence}" for sentence, count in sentences.most_common(COMMONEST))


def _losses(fusions: Sequence[Fusion]) -> dict[str, float]:
    curves = [fusion.curve for fusion in fusions if fusion.curve]
    if not curves:
        return {}
    longest = max(len(curve) for curve in curves)
    means = [fmean(curve[min(place, len(curve) - 1)] for curve in curves) for place in range(longest)]
    return {
        "loss_first": means[0],
        "loss_last": means[-1],
        "iterations_mean": fmean(len(curve) for curve in curves),
        **{f"loss/iteration_{place}": mean for place, mean in enumerate(means, start=1)},
    }


def _steps(worked: Sequence[Fusion]) -> dict[str, float]:
    """How often each template was used, and each term was the heaviest error of a check."""
    steps = [step for fusion in worked for step in fusion.steps]
    used = Counter(step.template for step in steps if step.template)
    errors = Counter(step.heaviest for step in steps if step.heaviest)
    return _counts("template", used) | _counts("error", errors)


def _counts(prefix: str, counts: Counter[str]) -> dict[str, float]:
    return {f"{prefix}/{name}": count for name, count in sorted(counts.items())}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0

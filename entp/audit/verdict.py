"""The verdict on the whole: whether the stage may publish, and what a reader should know."""

from __future__ import annotations

from collections.abc import Sequence

from entp.audit.checks import CHECKS
from entp.audit.sample import Finding, Measure
from entp.config import AuditConfig
from entp.errors import DataError

IDS_SHOWN = 5
#: The setting behind a measure, for whoever wants to lower the bar.
SETTINGS = {"distinct_2": "audit.min_distinct_ratio", "embedding_spread": "audit.min_spread_ratio"}


def turned_down(findings: Sequence[Finding]) -> dict[str, Finding]:
    """The first failed check of each sample that failed any, by pair id."""
    failed: dict[str, Finding] = {}
    for finding in findings:
        if not finding.passed:
            failed.setdefault(finding.pair_id, finding)
    return failed


def enforce(findings: Sequence[Finding], measures: Sequence[Measure], config: AuditConfig) -> None:
    """Raises DataError where the checks turn down too large a share of the samples, or a measure misses its demand.

    It names each failed check with its count, some of its pairs, and the remedy. Fewer than `audit.min_samples` samples
    are never failed.
    """
    count = len({finding.pair_id for finding in findings})
    if count < config.min_samples:
        return
    failed = len(turned_down(findings))
    problems = [_behind(measure) for measure in measures if not measure.passed]
    if failed > config.max_failing_share * count:
        problems.insert(
            0,
            f"{failed} of {count} accepted samples fail a check, more than audit.max_failing_share="
            f"{config.max_failing_share:g}:\n" + "\n".join(_by_check(findings)),
        )
    if problems:
        raise DataError("the audit of the new samples fails: " + "\n".join(problems))


def notes(findings: Sequence[Finding], config: AuditConfig) -> tuple[str, ...]:
    """How many were turned down and why, and whether they were too few to fail the stage."""
    count = len({finding.pair_id for finding in findings})
    if not count:
        return ()
    told = []
    failed = turned_down(findings)
    if failed:
        told.append(
            f"the audit turned down {len(failed)} of {count} accepted samples:\n" + "\n".join(_by_check(findings))
        )
    if count < config.min_samples:
        told.append(
            f"{count} audited samples are fewer than audit.min_samples={config.min_samples}: "
            "shares and ratios are shown, and fail nothing"
        )
    return tuple(told)


def _by_check(findings: Sequence[Finding]) -> list[str]:
    """One line for each check that failed samples."""
    lines = []
    for name, check in CHECKS.items():
        ids = [finding.pair_id for finding in findings if finding.check == name and not finding.passed]
        if ids:
            more = f" and {len(ids) - IDS_SHOWN} more" if len(ids) > IDS_SHOWN else ""
            lines.append(f"  {name}: {len(ids)} (pairs {', '.join(ids[:IDS_SHOWN])}{more}); {check.remedy}")
    return lines


def _behind(measure: Measure) -> str:
    setting = SETTINGS.get(measure.measure)
    remedy = "take another llm.model" + (f", or lower {setting}" if setting else "")
    return (
        f"{measure.measure} is {measure.value:.3g}, the parents' {measure.reference:.3g}; it must be {measure.demand}: "
        f"{remedy}"
    )

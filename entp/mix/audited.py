"""The audit of what was accepted: who fails a check is rejected after all, and too many of them fail the stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from entp import store
from entp.audit import verdict
from entp.audit.audit import Audit, audit
from entp.audit.judged_toxicity import judge_toxicity
from entp.audit.measures import Vectors
from entp.audit.sample import Finding, NewSample, Opinion
from entp.config import Config
from entp.contamination.index import load_index
from entp.conversation import Message, prompt_of, response_of
from entp.llm.session import Session
from entp.mix.fuse import Fusion
from entp.mix.trace import Decision
from entp.progress import progress
from entp.rate.raters import RATERS, rate_raw
from entp.records import AUDIT_FINDINGS, AUDIT_MEASURES
from entp.stages import Inputs


@dataclass(frozen=True)
class Audited:
    """All fusions, the accepted ones after their audit; tables and notes of it."""

    fusions: list[Fusion]
    audit: Audit
    notes: tuple[str, ...]

    @property
    def findings(self) -> pl.DataFrame:
        return pl.DataFrame(self.audit.findings, schema=AUDIT_FINDINGS, orient="row")

    @property
    def measures(self) -> pl.DataFrame:
        return pl.DataFrame(self.audit.measures, schema=AUDIT_MEASURES, orient="row")


def audited(session: Session, fusions: Sequence[Fusion], config: Config, inputs: Inputs) -> Audited:
    """Audit the accepted samples. Raises DataError where they fail as a whole (`entp.audit.verdict`)."""
    samples = [_sample(fusion) for fusion in fusions if fusion.messages]
    index = load_index(config.audit.benchmarks, config.audit.contamination_words, "audit.benchmarks")
    with progress("mix: audit", len(samples)) as advance:
        result = audit(
            samples,
            index,
            config.audit,
            ratings=_second_ratings(session, samples, config),
            toxicity=_toxicity(session, samples, config),
            vectors=_vectors(samples, fusions, config, inputs),
            advance=advance,
        )
    verdict.enforce(result.findings, result.measures, config.audit)
    failed = verdict.turned_down(result.findings)
    after = [_turned_down(fusion, failed[fusion.pair.id]) if fusion.pair.id in failed else fusion for fusion in fusions]
    return Audited(after, result, verdict.notes(result.findings, config.audit))


def _sample(fusion: Fusion) -> NewSample:
    parents = fusion.pair.parents
    assert fusion.messages is not None
    languages = frozenset(parent.language for parent in parents)
    return NewSample(fusion.pair.id, fusion.messages, [parent.messages for parent in parents], languages)


def _turned_down(fusion: Fusion, finding: Finding) -> Fusion:
    sentence = f"{fusion.decision['sentence']} But the audit turned it down ({finding.check}): {finding.detail}."
    return replace(
        fusion,
        messages=None,
        decision=Decision(status="rejected", reason=f"audit_{finding.check}", sentence=sentence),
    )


def _second_ratings(session: Session, samples: Sequence[NewSample], config: Config) -> dict[str, Opinion]:
    """What the rater says that did not accept the samples, if the run has a second one."""
    others = [rater for rater in config.rate.raters if rater in RATERS and rater != config.mix.rater]
    if not others or not samples:
        return {}
    ratings = session.run(rate_raw(others[0], session, _conversations(samples), config.rate))
    return _opinions(samples, [rating.value if rating.status == "rated" else None for rating in ratings])


def _toxicity(session: Session, samples: Sequence[NewSample], config: Config) -> dict[str, Opinion]:
    if not config.audit.ask_toxicity or not samples:
        return {}
    return _opinions(samples, session.run(judge_toxicity(session, _conversations(samples), config.rate.max_tokens)))


def _conversations(samples: Sequence[NewSample]) -> list[list[Message]]:
    """Each new sample, followed by its parents."""
    return [messages for sample in samples for messages in (sample.messages, *sample.parents)]


def _opinions(samples: Sequence[NewSample], values: Sequence[float | None]) -> dict[str, Opinion]:
    rest = iter(values)
    return {sample.pair_id: Opinion(next(rest), [next(rest) for _ in sample.parents]) for sample in samples}


def _vectors(samples: Sequence[NewSample], fusions: Sequence[Fusion], config: Config, inputs: Inputs) -> Vectors | None:
    """Embeddings of the new samples, made now, and of their parents, as `curate` made them."""
    if not samples:
        return None
    from entp.embed import embed

    texts = [f"{prompt_of(sample.messages)}\n{response_of(sample.messages)}" for sample in samples]
    ids = [parent.id for fusion in fusions if fusion.messages for parent in fusion.pair.parents]
    parents = store.scan(inputs["curate"], "embeddings").filter(pl.col("id").is_in(ids)).sort("id").collect()
    width = parents["vector"][0].len()
    return Vectors(embed(texts, config.embed), parents["vector"].list.to_array(width).to_numpy())

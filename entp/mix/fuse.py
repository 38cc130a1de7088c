"""One pair's whole life: a draft by the chosen method, acceptance, or the one-to-one way out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from entp.config import Config
from entp.conversation import Message
from entp.llm.client import LanguageModel
from entp.mix import acceptance
from entp.mix.draft import Draft, settle
from entp.mix.methods import METHODS
from entp.mix.methods.rivals import rewritten
from entp.mix.operators import InfrastructureFault
from entp.mix.trace import Decision, Ratings, to_json
from entp.mix.work import Meter, Pair, Work
from entp.text.key_terms import Corpus
from entp.track.spans import PairSpans, Span, Step

Outcome = tuple[Decision, list[Message] | None]


@dataclass(frozen=True)
class Fusion:
    """The outcome of one pair, a row of `mix/fusions`. `curve` is empty where no candidate came about.

    `clock` tells when each step began and ended (see `Work.clock`); it is no part of the published data.
    """

    pair: Pair
    decision: Decision
    messages: list[Message] | None
    curve: list[float]
    steps: list[Step]
    calls: int
    tokens_in: int
    tokens_out: int
    ratings: Ratings
    model: str
    clock: list[float] = field(compare=False)

    @property
    def trace(self) -> str:
        """The whole story as JSON (`entp.mix.trace.Trace`)."""
        parents = [parent.id for parent in self.pair.parents]
        return to_json(parents, self.model, self.steps, self.curve, self.ratings, self.decision)

    @property
    def spans(self) -> PairSpans:
        """The same work with its times, for people to look at."""
        times = zip(self.steps, self.clock[:-1], self.clock[1:], strict=True)
        return PairSpans.model_validate(
            {
                "pair_id": self.pair.id,
                "status": self.decision["status"],
                "reason": self.decision["reason"],
                "started": self.clock[0],
                "ended": self.clock[-1],
                "parents": [parent.messages for parent in self.pair.parents],
                "messages": self.messages,
                "loss": self.curve,
                "model": self.model,
                "tokens_in": self.tokens_in,
                "tokens_out": self.tokens_out,
                "spans": [Span(**asdict(step), started=started, ended=ended) for step, started, ended in times],
            }
        )


async def fuse(model: LanguageModel, pair: Pair, corpus: Corpus, config: Config, model_name: str) -> Fusion:
    """Work on one pair to its end. A request without a reply makes it `failed`; nothing is raised."""
    work = Work(pair, config, Meter(model))
    try:
        decision, messages = await _live(work, corpus)
    except InfrastructureFault as fault:
        sentence = f"The pair could not be worked on to its end: {fault}."
        decision, messages = Decision(status="failed", reason="infrastructure", sentence=sentence), None
    return finished(work, model_name, decision, messages)


def finished(work: Work, model_name: str, decision: Decision, messages: list[Message] | None = None) -> Fusion:
    """The outcome of the work as it stands."""
    return Fusion(
        pair=work.pair,
        decision=decision,
        messages=messages,
        curve=work.curve,
        steps=work.steps,
        calls=work.meter.calls,
        tokens_in=work.meter.tokens_in,
        tokens_out=work.meter.tokens_out,
        ratings=work.ratings,
        model=model_name,
        clock=work.clock,
    )


async def _live(work: Work, corpus: Corpus) -> Outcome:
    settings = work.config.mix
    draft = await METHODS[settings.method](work, corpus)
    reason = await settle(work, draft)
    if reason == "accepted":
        return acceptance.accepted(draft.places, draft.loss, work.ratings, settings), draft.messages
    place = acceptance.better_parent(work.ratings)
    if settings.method != "entp" or not settings.one_to_one_fallback or place is None:
        return acceptance.rejected(reason, draft.places, draft.loss, work.ratings, settings), None
    return await _one_to_one(work, corpus, reason, draft, place)


async def _one_to_one(work: Work, corpus: Corpus, reason: str, fusion: Draft, place: int) -> Outcome:
    """The way out of a fusion that failed for `reason`: rewrite the better parent, under the same bar; else reject."""
    settings, ratings = work.config.mix, work.ratings
    rewrite = await rewritten(work, corpus, place)
    failure = await settle(work, rewrite)
    if failure == "accepted":
        return acceptance.rewritten(reason, fusion.loss, ratings, place, settings), rewrite.messages
    also = (failure, rewrite.loss)
    return acceptance.rejected(reason, fusion.places, fusion.loss, ratings, settings, rewrite=also), None

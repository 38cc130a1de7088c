"""What is known and kept while one pair is worked on: parents, demands, steps, and what the requests cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from entp.config import Config
from entp.conversation import Message, context_of, response_of
from entp.errors import UsageError
from entp.llm.client import Choose, Generate, LanguageModel, LogLikelihood, Reply
from entp.mix.loss import Written
from entp.mix.trace import Ratings, no_ratings, step
from entp.progress import Advance
from entp.records import digest_of
from entp.text.excerpt import ends
from entp.track.spans import Operator, Step

#: Tokens kept free for a template's own words and marks.
TEMPLATE_TOKENS = 200
#: Fewest tokens a parent's instruction or answer may be cut to.
LEAST_ROOM = 48


@dataclass(frozen=True)
class Parent:
    """A sample to be fused. `prompt` and `response` are cut to what a prompt has room for; `messages` are whole."""

    id: str
    messages: list[Message]
    prompt: str
    response: str
    language: str


@dataclass(frozen=True)
class Pair:
    id: str
    parents: tuple[Parent, Parent]


class Meter:
    """A language model that counts what passes through it to another one."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self.calls = 0
        self.tokens_in = 0
        self.tokens_out = 0

    async def generate(self, requests: Sequence[Generate], advance: Advance | None = None) -> list[Reply]:
        return self._count(await self._model.generate(requests, advance))

    async def choose(self, requests: Sequence[Choose], advance: Advance | None = None) -> list[Reply]:
        return self._count(await self._model.choose(requests, advance))

    async def loglikelihood(self, requests: Sequence[LogLikelihood], advance: Advance | None = None) -> list[Reply]:
        return self._count(await self._model.loglikelihood(requests, advance))

    def _count(self, replies: list[Reply]) -> list[Reply]:
        self.calls += len(replies)
        self.tokens_in += sum(reply.tokens_in for reply in replies)
        self.tokens_out += sum(reply.tokens_out for reply in replies)
        return replies


@dataclass
class Work:
    """The work on one pair, as far as it has come."""

    pair: Pair
    config: Config
    meter: Meter
    steps: list[Step] = field(default_factory=list)
    ratings: Ratings = field(default_factory=no_ratings)
    parents_rated: bool = False
    #: The model's own answer to each parent, where the method asks for it.
    directs: list[Written] = field(default_factory=list)
    #: Loss of the best candidate so far, after each candidate.
    curve: list[float] = field(default_factory=list)
    #: When each step began and ended (seconds since the epoch); the first entry is the beginning of the work.
    clock: list[float] = field(default_factory=lambda: [time.time()])
    _charged: tuple[int, int] = (0, 0)

    def record(self, operator: Operator, iteration: int, **facts: Any) -> None:
        """Keep a step (see `trace.step`); it is charged with all tokens and time since the step before it."""
        spent = (self.meter.tokens_in - self._charged[0], self.meter.tokens_out - self._charged[1])
        self._charged = (self.meter.tokens_in, self.meter.tokens_out)
        self.steps.append(step(operator, iteration, spent, **facts))
        self.clock.append(time.time())

    def count(self, operator: Operator) -> int:
        """Steps of this operator so far."""
        return sum(step.operator == operator for step in self.steps)

    def seed(self, operator: str, *position: int) -> int:
        """The seed of a request: by run seed, pair and place in the pair's life, never by time or order of work."""
        return int(digest_of([self.config.seed, self.pair.id, operator, *position])[:8], 16) & 0x7FFFFFFF


def parent_from(sample: dict[str, Any], room: int) -> Parent:
    """A row of `purge/samples` as a parent, cut to `room` tokens for each of instruction and answer."""
    messages = sample["messages"]
    return Parent(
        id=sample["id"],
        messages=messages,
        prompt=ends(context_of(messages), room),
        response=ends(response_of(messages), room),
        language=sample["language"],
    )


def room_for_text(config: Config) -> int:
    """Tokens for each of the four texts a prompt may show: two instructions, and two notes.

    Raises UsageError where `llm.max_context` is too short for the reply lengths asked for.
    """
    replies = config.mix.max_instruction_tokens + config.mix.max_answer_tokens
    room = (config.llm.max_context - replies - TEMPLATE_TOKENS) // 4
    if room < LEAST_ROOM:
        raise UsageError(
            f"llm.max_context={config.llm.max_context} leaves {room} tokens for each text of a pair, beside "
            f"mix.max_instruction_tokens={config.mix.max_instruction_tokens} and "
            f"mix.max_answer_tokens={config.mix.max_answer_tokens}; raise the first or lower the others"
        )
    return room

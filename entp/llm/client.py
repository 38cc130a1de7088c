"""The one protocol every language model is reached by: generate, choose, loglikelihood.

Each call takes a list of requests and returns as many replies, in order. A request that fails is a reply with a
status, never an exception: only a fault of the whole backend (model missing, endpoint down) raises SetupError.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from entp.conversation import Message
from entp.progress import Advance
from entp.records import digest_of

Status = Literal["ok", "truncated", "refused", "timed_out", "failed"]
#: Replies worth keeping: asking again would give the same. The others are tried again in the next run.
FINAL_STATUSES = ("ok", "truncated", "refused")
#: How the error of a failed reply begins that was to follow a schema and does not.
MALFORMED = "malformed: the reply is not one JSON object"


@dataclass(frozen=True)
class Generate:
    """Write a reply. With `json_schema` the reply is one JSON object of that schema (constrained decoding)."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    seed: int = 0
    json_schema: dict[str, Any] | None = None


@dataclass(frozen=True)
class Choose:
    """Probability of each of `answers` as the first words of the reply: one prefill, no decoding.

    The answers must differ in their first token.
    """

    messages: tuple[Message, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True)
class LogLikelihood:
    """Log-probability of `continuation` as the assistant's reply to `messages` (no messages: unconditional).

    At most `max_tokens` of the continuation are scored (None: all).
    """

    messages: tuple[Message, ...]
    continuation: str
    max_tokens: int | None = None


Request = Generate | Choose | LogLikelihood


@dataclass(frozen=True)
class Reply:
    """What came back, for every kind of request; the fields that a kind does not use keep their defaults.

    `probabilities` sum to 1 over the answers; `answer_mass` is the share of the whole vocabulary's probability that
    they had before that; where it is 0 the model leans to none of them, and they share evenly. `logprob` is the sum
    (nats) over `tokens_scored` tokens.
    """

    status: Status
    text: str = ""
    probabilities: dict[str, float] = field(default_factory=dict)
    answer_mass: float = 0.0
    logprob: float = 0.0
    tokens_scored: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    error: str = ""


class SupportsGenerate(Protocol):
    """Writes replies. `advance` is called as requests finish, here and below."""

    async def generate(self, requests: Sequence[Generate], advance: Advance | None = None, /) -> list[Reply]: ...


class SupportsChoose(Protocol):
    """Says how likely each of a few answers is."""

    async def choose(self, requests: Sequence[Choose], advance: Advance | None = None, /) -> list[Reply]: ...


class SupportsLogLikelihood(Protocol):
    """Says how likely a text is."""

    async def loglikelihood(
        self, requests: Sequence[LogLikelihood], advance: Advance | None = None, /
    ) -> list[Reply]: ...


class LanguageModel(SupportsGenerate, SupportsChoose, SupportsLogLikelihood, Protocol):
    """What callers ask: a `Session`, or whatever stands between one and them."""


class Backend(Protocol):
    """Something that computes. `batch_size` requests are worth handing over at once."""

    @property
    def name(self) -> str:
        """What determines replies: model, revision, what computes it. Part of every cache key and lineage record."""
        ...

    @property
    def batch_size(self) -> int: ...

    @property
    def concurrency(self) -> int:
        """How many batches may be in flight at once."""
        ...

    async def generate(self, requests: Sequence[Generate]) -> list[Reply]: ...

    async def choose(self, requests: Sequence[Choose]) -> list[Reply]: ...

    async def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[Reply]: ...


def request_digest(model: str, request: Request) -> str:
    """Cache key: the model and everything in the request that shapes its reply."""
    return digest_of([model, type(request).__name__, asdict(request)])


def chosen(request: Choose, shares: Sequence[float], tokens_in: int, tokens_out: int = 0) -> Reply:
    """The reply to a Choose whose answers have these shares of the vocabulary's probability."""
    mass = sum(shares)
    if math.isnan(mass):
        return Reply(status="failed", error="the model's probabilities are not numbers")
    if mass == 0:
        even = dict.fromkeys(request.answers, 1 / len(request.answers))
        return Reply(status="ok", probabilities=even, tokens_in=tokens_in, tokens_out=tokens_out)
    probabilities = {answer: share / mass for answer, share in zip(request.answers, shares, strict=True)}
    return Reply(status="ok", probabilities=probabilities, answer_mass=mass, tokens_in=tokens_in, tokens_out=tokens_out)


def is_json_object(text: str) -> bool:
    """Whether a reply under a schema is whole, wherever it was stopped."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def user(text: str) -> tuple[Message, ...]:
    """A conversation of one user turn."""
    return (Message(role="user", content=text),)

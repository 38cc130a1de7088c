"""Any server that speaks the OpenAI protocol: vLLM, llama.cpp, a hosted model.

Infrastructure errors (429, 5xx, lost connections, timeouts) are tried again with growing, jittered pauses; what still
fails is a reply with a status. Only what would fail for every request (server down, key refused, no such model) stops
the run.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import openai

from entp.config import LLMConfig
from entp.errors import SetupError, UsageError
from entp.llm.client import Choose, Generate, LogLikelihood, Reply, chosen, is_json_object
from entp.llm.embedded import EMBEDDED

#: The most that the protocol allows.
TOP_TOKENS = 20
CONNECT_SECONDS = 10.0
#: Requests lost in a row, each after all its retries, that mean the server is gone.
LOST_IN_A_ROW = 5


class EndpointBackend:
    """See `entp.llm.client.Backend`. Each request is its own batch; the server does the batching."""

    batch_size = 1

    def __init__(self, config: LLMConfig) -> None:
        if not config.endpoint:
            raise UsageError("llm.backend=endpoint needs the server's base URL: llm.endpoint=http://HOST:PORT/v1")
        if config.model == EMBEDDED:
            raise UsageError("llm.backend=endpoint needs the name of the model as the server knows it: llm.model=NAME")
        self.name = f"{config.model}@{config.revision or 'endpoint'}"
        self.concurrency = config.concurrency
        self._config = config
        self._url = config.endpoint.rstrip("/")
        self._client: openai.AsyncOpenAI | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._greeting: asyncio.Task[None] | None = None
        self._lost = 0

    async def generate(self, requests: Sequence[Generate]) -> list[Reply]:
        return [await self._guarded(lambda: self._generate(request)) for request in requests]  # noqa: B023 - awaited

    async def choose(self, requests: Sequence[Choose]) -> list[Reply]:
        return [await self._guarded(lambda: self._choose(request)) for request in requests]  # noqa: B023 - awaited

    async def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[Reply]:
        return [await self._guarded(lambda: self._score(request)) for request in requests]  # noqa: B023 - awaited

    async def _generate(self, request: Generate) -> Reply:
        options: dict[str, Any] = {}
        if request.json_schema is not None:
            schema = {"name": "reply", "schema": request.json_schema, "strict": True}
            options["response_format"] = {"type": "json_schema", "json_schema": schema}
        completion = await self._chat(
            messages=list(request.messages),
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            seed=request.seed,
            **options,
        )
        return _written(request, completion)

    async def _choose(self, request: Choose) -> Reply:
        completion = await self._chat(
            messages=list(request.messages), max_tokens=1, temperature=0.0, logprobs=True, top_logprobs=TOP_TOKENS
        )
        choice = completion.choices[0]
        if choice.logprobs is None or not choice.logprobs.content:
            raise SetupError(
                f"{self._url} gives no log-probabilities for {self._config.model}, which this rater needs: use a "
                "server that does (vLLM, llama.cpp), or a local model (llm.backend=transformers)"
            )
        likeliest = {entry.token: math.exp(entry.logprob) for entry in choice.logprobs.content[0].top_logprobs}
        tokens_in, tokens_out = _tokens(completion)
        return chosen(request, shares_of(request.answers, likeliest), tokens_in, tokens_out)

    async def _score(self, request: LogLikelihood) -> Reply:
        """Log-likelihood by vLLM's own additions to the protocol: tokens from /tokenize, `prompt_logprobs`."""
        opening: dict[str, Any] = {"messages": list(request.messages), "add_generation_prompt": True}
        context = await self._tokenize(opening if request.messages else {"prompt": ""})
        text = await self._tokenize({"prompt": request.continuation, "add_special_tokens": False})
        continuation = text[: request.max_tokens]
        completion = await self._connected().completions.create(
            model=self._config.model,
            prompt=context + continuation,
            max_tokens=1,
            temperature=0.0,
            extra_body={"prompt_logprobs": 0},
        )
        positions = getattr(completion.choices[0], "prompt_logprobs", None)
        if positions is None:
            raise self._cannot_score()
        # where the model has no first token of its own, nothing precedes the first one of the text
        scored = [
            position[str(token)]["logprob"]
            for token, position in zip(continuation, positions[len(context) :], strict=True)
            if position is not None
        ]
        tokens_in, tokens_out = _tokens(completion)
        return Reply(
            status="ok",
            logprob=math.fsum(scored),
            tokens_scored=len(scored),
            tokens_in=tokens_in,
            tokens_out=tokens_out,
        )

    async def _tokenize(self, body: dict[str, Any]) -> list[int]:
        root = self._url.removesuffix("/v1")
        try:
            answer: Any = await self._connected().post(
                f"{root}/tokenize", cast_to=object, body={"model": self._config.model, **body}
            )
        except openai.NotFoundError as error:
            raise self._cannot_score() from error
        tokens: list[int] = answer["tokens"]
        return tokens

    async def _chat(self, **options: Any) -> openai.types.chat.ChatCompletion:
        completion = await self._connected().chat.completions.create(model=self._config.model, **options)
        if not isinstance(completion, openai.types.chat.ChatCompletion) or not completion.choices:
            raise ValueError("the server's reply is not a chat completion")
        return completion

    async def _guarded(self, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        """The reply, or what became of it; SetupError where every other request would fail the same way."""
        await self._greet()
        try:
            reply = await ask()
        except openai.APITimeoutError:
            return Reply(status="timed_out", error=f"no reply within {self._config.timeout_seconds:g} s")
        except openai.APIConnectionError as error:
            self._lost += 1
            if self._lost >= LOST_IN_A_ROW:
                raise self._down(error) from error
            return Reply(status="failed", error=f"connection lost: {error.__cause__ or error}")
        except openai.APIStatusError as error:
            self._stop_if_hopeless(error)
            return Reply(status="failed", error=f"HTTP {error.status_code}: {_reason(error)}")
        except (openai.OpenAIError, ValueError, KeyError, TypeError) as error:
            return Reply(status="failed", error=f"malformed answer from the server: {error}")
        self._lost = 0
        return reply

    async def _greet(self) -> None:
        """Before the first request: is anybody there, and is the key good? Asked once."""
        self._connected()
        if self._greeting is None:
            self._greeting = asyncio.create_task(self._list_models())
        await asyncio.shield(self._greeting)

    async def _list_models(self) -> None:
        try:
            await self._connected().with_options(max_retries=1).models.list()
        except openai.APIConnectionError as error:
            raise self._down(error) from error
        except openai.APIStatusError as error:
            if not isinstance(error, openai.NotFoundError):  # some servers have no list of models
                self._stop_if_hopeless(error)
        except (openai.OpenAIError, ValueError):
            return

    def _stop_if_hopeless(self, error: openai.APIStatusError) -> None:
        variable = self._config.api_key_env
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            found = "is refused" if os.environ.get(variable) else "is not set"
            raise SetupError(f"{self._url}: not allowed in; the key in the environment variable {variable} {found}")
        if isinstance(error, openai.NotFoundError):
            raise SetupError(
                f"{self._url}: no model {self._config.model!r} there ({_reason(error)}); check llm.model, "
                f"and that llm.endpoint ends where `/chat/completions` begins (`{self._url}/models` lists the models)"
            )
        if isinstance(error, openai.RateLimitError) and error.code == "insufficient_quota":
            raise SetupError(f"{self._url}: the account has no quota left; top it up and run again, it will go on")

    def _down(self, error: Exception) -> SetupError:
        return SetupError(
            f"no answer from the endpoint {self._url} ({error.__cause__ or error}); start the server or correct "
            "llm.endpoint, and run again: finished requests are kept"
        )

    def _cannot_score(self) -> SetupError:
        return SetupError(
            f"{self._url} cannot score a given text (vLLM can); the likelihood rater needs such a server or a local "
            "model (llm.backend=transformers), the judge does not (rate.raters=[judge])"
        )

    def _connected(self) -> openai.AsyncOpenAI:
        """The client of the running event loop: connections belong to the loop that opened them."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client = openai.AsyncOpenAI(
                base_url=self._url,
                api_key=os.environ.get(self._config.api_key_env) or "none",
                timeout=openai.Timeout(self._config.timeout_seconds, connect=CONNECT_SECONDS),
                max_retries=self._config.retries,
            )
            self._loop = loop
            self._greeting = None
        return self._client


def shares_of(answers: Sequence[str], likeliest: dict[str, float]) -> list[float]:
    """Each answer's share of the probability, from the likeliest first tokens and their probabilities.

    A token counts for the answer that begins with it (white space aside), if it is the only one.
    """
    shares = dict.fromkeys(answers, 0.0)
    for token, probability in likeliest.items():
        opening = token.strip()
        meant = [answer for answer in answers if opening and answer.startswith(opening)]
        if len(meant) == 1:
            shares[meant[0]] += probability
    return list(shares.values())


def _written(request: Generate, completion: openai.types.chat.ChatCompletion) -> Reply:
    choice = completion.choices[0]
    text = choice.message.content or ""
    tokens_in, tokens_out = _tokens(completion)
    if choice.message.refusal or choice.finish_reason == "content_filter":
        reason = choice.message.refusal or "stopped by the content filter"
        return Reply("refused", text=text, tokens_in=tokens_in, tokens_out=tokens_out, error=reason)
    whole = request.json_schema is not None and is_json_object(text)
    if choice.finish_reason == "length" and not whole:
        return Reply("truncated", text=text, tokens_in=tokens_in, tokens_out=tokens_out)
    if request.json_schema is not None and not whole:
        fault = "malformed: the reply is not one JSON object"
        return Reply("failed", text=text, tokens_in=tokens_in, tokens_out=tokens_out, error=fault)
    return Reply("ok", text=text, tokens_in=tokens_in, tokens_out=tokens_out)


def _tokens(completion: Any) -> tuple[int, int]:
    """Tokens read and written, as the server counts them (0 where it does not)."""
    usage = completion.usage
    return (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)


def _reason(error: openai.APIStatusError) -> str:
    """The server's own words, in one line."""
    return " ".join(error.message.split())[:300]

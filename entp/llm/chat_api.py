"""One request to one server that speaks the OpenAI protocol: vLLM, llama.cpp, a hosted model."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
from collections.abc import Sequence
from typing import Any

import openai

from entp.config import LLMConfig
from entp.llm.client import MALFORMED, Choose, Generate, LogLikelihood, Reply, chosen, is_json_object
from entp.llm.faults import Fault, Refusal, sorted_out

#: The most that the protocol allows.
TOP_TOKENS = 20
CONNECT_SECONDS = 10.0
GREETING_SECONDS = 20.0
#: Connections kept open for the next request (the pool walks over all of them at every request), and for how long:
#: many servers close theirs after 5 s, and a request that meets such a one is lost.
IDLE_CONNECTIONS = 100
IDLE_SECONDS = 3.0


class ChatApi:
    """A server by its base URL. Every call is one try: it raises Fault or Refusal (`entp.llm.faults`)."""

    def __init__(self, url: str, config: LLMConfig) -> None:
        self.url = url.rstrip("/")
        self._config = config
        self._client: openai.AsyncOpenAI | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def generate(self, request: Generate) -> Reply:
        """See `entp.llm.client.Generate`; the server is asked to decode by the schema, if there is one."""
        return await sorted_out(self._generate(request), self.url, self._config)

    async def choose(self, request: Choose) -> Reply:
        """See `entp.llm.client.Choose`: by the first token's log-probabilities, as far as the protocol gives them."""
        return await sorted_out(self._choose(request), self.url, self._config)

    async def loglikelihood(self, request: LogLikelihood) -> Reply:
        """By vLLM's own additions to the protocol: tokens from /tokenize, and `prompt_logprobs`."""
        return await sorted_out(self._score(request), self.url, self._config)

    async def greet(self) -> None:
        """Is anybody there, and is the key good? Some servers have no list of models; that they say so is enough."""
        patience = self._config.model_copy(update={"timeout_seconds": GREETING_SECONDS})
        try:
            await sorted_out(self._list_models(), self.url, patience)
        except Fault as fault:
            if fault.lost:
                raise

    async def _list_models(self) -> Reply:
        with contextlib.suppress(openai.NotFoundError):
            await self._connected().models.list()
        return Reply("ok")

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
            raise Refusal(
                f"{self.url} gives no log-probabilities for {self._config.model}, which this rater needs: use a "
                "server that does (vLLM, llama.cpp), or a local model (llm.backend=transformers)"
            )
        likeliest = {entry.token: math.exp(entry.logprob) for entry in choice.logprobs.content[0].top_logprobs}
        tokens_in, tokens_out = _tokens(completion)
        return chosen(request, shares_of(request.answers, likeliest), tokens_in, tokens_out)

    async def _score(self, request: LogLikelihood) -> Reply:
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
        choice = completion.choices[0]
        positions = getattr(choice, "prompt_logprobs", None)
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
        root = self.url.removesuffix("/v1")
        try:
            answer: Any = await self._connected().post(
                f"{root}/tokenize", cast_to=object, body={"model": self._config.model, **body}
            )
        except openai.NotFoundError as error:
            raise self._cannot_score() from error
        tokens: list[int] = answer["tokens"]
        return tokens

    def _cannot_score(self) -> Refusal:
        return Refusal(
            f"{self.url} cannot score a given text (vLLM can); the likelihood rater needs such a server or a local "
            "model (llm.backend=transformers), the judge does not (rate.raters=[judge])"
        )

    async def _chat(self, **options: Any) -> openai.types.chat.ChatCompletion:
        completion = await self._connected().chat.completions.create(model=self._config.model, **options)
        if not isinstance(completion, openai.types.chat.ChatCompletion) or not completion.choices:
            raise ValueError("it is not a chat completion")
        if not isinstance(completion.choices[0].message.content or "", str):
            raise ValueError("its message is not text")
        return completion

    def _connected(self) -> openai.AsyncOpenAI:
        """The client of the running event loop: connections belong to the loop that opened them."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            # of the HTTP library that this version of openai stands on
            limits = type(openai.DEFAULT_CONNECTION_LIMITS)(
                max_connections=None,
                max_keepalive_connections=IDLE_CONNECTIONS,
                keepalive_expiry=IDLE_SECONDS,
            )
            patience = openai.Timeout(None, connect=CONNECT_SECONDS)
            self._client = openai.AsyncOpenAI(
                base_url=self.url,
                api_key=os.environ.get(self._config.api_key_env) or "none",
                timeout=patience,
                max_retries=0,
                http_client=openai.DefaultAsyncHttpxClient(limits=limits, timeout=patience),
            )
            self._loop = loop
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
        # decoding by a schema is the server's part, so this is its fault, not the model's answer
        raise Fault(Reply("failed", text=text, tokens_in=tokens_in, tokens_out=tokens_out, error=MALFORMED))
    return Reply("ok", text=text, tokens_in=tokens_in, tokens_out=tokens_out)


def _tokens(completion: Any) -> tuple[int, int]:
    """Tokens read and written, as the server counts them (0 where it does not)."""
    usage = completion.usage
    return (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)

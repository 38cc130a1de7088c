"""What computes for the harness: transformers in this process, or vLLM, which writes many answers at once."""

from __future__ import annotations

import gc
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entp.errors import SetupError, first_line
from entp.llm.embedded import load_failure
from entp.llm.vllm import hush, on_a_cpu

#: Requests handed to vLLM at once; it batches as many of them as there is room for (our choice).
HANDED_TO_VLLM = 1024


@dataclass(frozen=True)
class Model:
    """A model to be scored: "before" or "after", where it is, and what identifies its weights."""

    title: str
    source: Path | str
    revision: str | None
    weights: str


def chosen_backend(wanted: str) -> str:
    """What `evaluate.backend` comes to here: `auto` is vLLM where it is installed and there is a GPU."""
    import torch

    if wanted != "auto":
        return wanted
    return "vllm" if torch.cuda.is_available() and importlib.util.find_spec("vllm") else "transformers"


@contextmanager
def loaded(model: Model, backend: str, batch_size: int, seed: int) -> Iterator[Any]:
    """The harness's `LM`; what it holds is given back at the end, for the next model needs the room.

    Raises SetupError where the model cannot be loaded, or vLLM is not there.
    """
    import torch

    found = _vllm(model, seed) if backend == "vllm" else _transformers(model, batch_size)
    try:
        yield found
    finally:
        if backend == "vllm":
            found.model.llm_engine.engine_core.shutdown()
        # it may refer to itself, through its bars
        vars(found).clear()
        gc.collect()
        torch.cuda.empty_cache()


def _transformers(model: Model, batch_size: int) -> Any:
    import torch
    from lm_eval.models.huggingface import HFLM

    gpu = torch.cuda.is_available()
    # a CPU has no native bfloat16: float32 is three times faster there
    dtype = "bfloat16" if gpu and torch.cuda.is_bf16_supported() else "float32"
    try:
        return HFLM(
            pretrained=str(model.source),
            revision=model.revision or "main",
            device="cuda" if gpu else "cpu",
            dtype=dtype,
            batch_size=batch_size,
            trust_remote_code=False,
            use_safetensors=True,
        )
    except (OSError, ValueError, ImportError) as error:
        raise load_failure(str(model.source), error) from error


def _vllm(model: Model, seed: int) -> Any:
    import torch

    if importlib.util.find_spec("vllm") is None:
        raise SetupError(
            'evaluate.backend=vllm needs vLLM: pip install "entp[vllm]" on a machine with a GPU, or use '
            "evaluate.backend=transformers"
        )
    hush()
    from lm_eval.models.vllm_causallms import VLLM

    try:
        return VLLM(
            pretrained=str(model.source),
            revision=model.revision,
            batch_size=HANDED_TO_VLLM,
            seed=seed,
            trust_remote_code=False,
            use_tqdm_on_load=False,
            disable_log_stats=True,
            **({} if torch.cuda.is_available() else on_a_cpu()),
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise SetupError(f"vLLM does not take {model.source}: {first_line(error)}") from error

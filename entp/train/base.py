"""The base model and its tokenizer: safetensors only, no remote code, float32 on a CPU and bfloat16 on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from entp.config import TrainConfig
from entp.errors import SetupError
from entp.llm.embedded import load_failure, quiet, resolve_model


def load_tokenizer(config: TrainConfig) -> Any:
    """Raises SetupError naming the model and the remedy."""
    return _load(config, "AutoTokenizer")


def load_model_config(config: TrainConfig) -> Any:
    """The model's own configuration, which training changes in memory."""
    return _load(config, "AutoConfig")


def load_model(config: TrainConfig) -> Any:
    """On the GPU where there is one. Raises SetupError naming the model and the remedy."""
    import torch

    # a CPU has no native bfloat16: float32 is three times faster there
    model = _load(config, "AutoModelForCausalLM", dtype=training_dtype(), use_safetensors=True)
    return model.to("cuda" if torch.cuda.is_available() else "cpu")


def training_dtype() -> Any:
    """What weights are loaded and published in."""
    import torch

    return torch.bfloat16 if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else torch.float32


def _load(config: TrainConfig, auto_class: str, **options: Any) -> Any:
    try:
        import transformers
    except ImportError as error:
        raise SetupError(f'fine-tuning needs torch and transformers ({error}): pip install "entp[train]"') from error
    source = resolve_model(config.model, config.revision)
    load: Callable[..., Any] = getattr(transformers, auto_class).from_pretrained
    try:
        with quiet():
            return load(
                source,
                revision=config.revision or "main",
                local_files_only=isinstance(source, Path),
                trust_remote_code=False,
                **options,
            )
    except (OSError, ValueError, ImportError) as error:
        raise load_failure(config.model, error) from error

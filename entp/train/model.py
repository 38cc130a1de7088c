"""The base model and its tokenizer: how they are loaded, what of the model is trained, and how a whole one comes of it.

Safetensors only, no remote code, float32 on a CPU and bfloat16 on a GPU.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from entp.config import TrainConfig
from entp.errors import SetupError
from entp.llm.embedded import load_failure, quiet, resolve_model

#: Every linear layer of a Llama-like block (DS2, sec. 4; the usual choice for LoRA).
ADAPTED_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")

# On a CPU it recommends, whenever PEFT imports it, code to be fetched from the Hub.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def load_tokenizer(config: TrainConfig) -> Any:
    """Raises SetupError naming the model and the remedy."""
    return _load(config, "AutoTokenizer")


def load_model_config(config: TrainConfig) -> Any:
    """The model's own configuration, which training changes in memory."""
    return _load(config, "AutoConfig")


def load_model(config: TrainConfig) -> Any:
    """On this process's GPU where there is one. Raises SetupError naming the model and the remedy."""
    return _load_weights(config, dtype=published_dtype()).to(device())


def load_for_training(config: TrainConfig) -> Any:
    """As `train.method` wants it: in four bits, or, where all weights are trained, in float32.

    Weights that are to be shared stay where they are, for the trainer to hand out. Raises SetupError as `load_model`.
    """
    import torch
    from transformers import BitsAndBytesConfig

    if config.method == "qlora":
        if importlib.util.find_spec("bitsandbytes") is None:
            raise SetupError(
                'train.method=qlora needs bitsandbytes: pip install "entp[qlora]", or use train.method=lora'
            )
        four_bits = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=published_dtype(),
        )
        return _load_weights(
            config, dtype=published_dtype(), quantization_config=four_bits, device_map={"": str(device())}
        )
    model = _load_weights(config, dtype=torch.float32 if config.method == "full" else published_dtype())
    return model if config.sharded else model.to(device())


@contextmanager
def hushed() -> Iterator[None]:
    """The libraries warn each other about names they will drop; nobody here can act on that."""
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def published_dtype() -> Any:
    """What models are published in. A CPU has no native bfloat16: float32 is three times faster there."""
    import torch

    return torch.bfloat16 if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else torch.float32


def device() -> Any:
    """This process's own GPU, where there is one."""
    import torch

    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def trainable(config: TrainConfig, seed: int) -> Any:
    """The base model with what `train.method` trains ready to be trained. Raises SetupError where that can't be."""
    from peft import prepare_model_for_kbit_training
    from transformers import set_seed

    model = load_for_training(config)
    if config.method == "full":
        set_seed(seed)
        return model
    if config.method == "qlora":
        # Activation checkpointing is the trainer's business.
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    return with_adapters(model, config, seed)


def with_adapters(model: Any, config: TrainConfig, seed: int) -> Any:
    """The model with fresh LoRA adapters (which change nothing yet). Raises SetupError where none fit."""
    from peft import LoraConfig, get_peft_model
    from transformers import set_seed

    lora = LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=list(ADAPTED_LAYERS),
        task_type="CAUSAL_LM",
    )
    set_seed(seed)
    try:
        with hushed():
            return get_peft_model(model, lora)
    except ValueError as error:
        raise SetupError(
            f"train.model={config.model}: it has none of the layers that adapters go to ({', '.join(ADAPTED_LAYERS)}); "
            "take a model of the Llama, Qwen, Mistral, Gemma or SmolLM family, or train.method=full"
        ) from error


def merged(trained: Path, config: TrainConfig) -> Any:
    """The whole model of what was trained and saved in `trained`, in the precision that models are published in.

    Adapters are merged into the base as it was loaded from its files, also where they were trained on four bits of it.
    """
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    with hushed():
        if config.method == "full":
            model = AutoModelForCausalLM.from_pretrained(trained, dtype=published_dtype(), use_safetensors=True)
            return model.to(device())
        return PeftModel.from_pretrained(load_model(config), trained).merge_and_unload()


def _load_weights(config: TrainConfig, **options: Any) -> Any:
    return _load(config, "AutoModelForCausalLM", use_safetensors=True, **options)


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

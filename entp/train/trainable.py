"""What is trained: adapters, adapters on a base in four bits, or every weight; and how a whole model comes of it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from entp.config import TrainConfig
from entp.errors import SetupError
from entp.train.base import device, hushed, load_for_training, load_model, published_dtype

#: Every linear layer of a Llama-like block (DS2, sec. 4; the usual choice for LoRA).
ADAPTED_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")

# On a CPU it recommends, whenever PEFT imports it, code to be fetched from the Hub.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


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

"""Write the trained model: merged weights that any tool loads, the adapter alone, and a card. No pickle."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from entp.config import TrainConfig
from entp.llm.embedded import model_identity, quiet
from entp.train.model import load_model_config, load_tokenizer

#: How a tokenizer was loaded here, which transformers would write into its published configuration.
LOADING_TRACES = ("is_local", "local_files_only")

CARD = """---
{front_matter}---

# Model fine-tuned on a purge-mix training set

`{base}` (`{identity}`) {trained}. The tokenizer and the chat template are the base model's own,
unchanged.

The base model's licence applies, and the licences of the training rows (see the card of the data set).

## Training data

- content digest of the `assemble` stage: `{data_digest}`
- configuration digest of the `train` stage: `{config_digest}`
- loss on the assistant's tokens only; conversations longer than {max_length} tokens were cut

## Settings

{settings}

## Figures

Losses are nats per assistant token; those of validation are of rows, and clusters of rows, kept out of training.

{figures}

## Use

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("train/model")
tokenizer = AutoTokenizer.from_pretrained("train/model")
```
"""

ADAPTER = """
The folder `adapter` beside this one holds the adapters alone, for `peft.PeftModel.from_pretrained(base_model, folder)`.
"""

#: What was done to the base, by `train.method`.
TRAINED = {
    "lora": "with LoRA adapters trained by `entp` and merged into its weights",
    "qlora": "with LoRA adapters trained by `entp` on its weights in four bits (NF4), and merged into those in full",
    "full": "with all its weights trained further by `entp`",
}


def save_adapter(weights: Path, folder: Path) -> None:
    """The adapters as they were trained (safetensors)."""
    shutil.copytree(
        weights, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("README.md")
    )  # PEFT's empty form
    _make_readable(folder)


def save_model(model: Any, config: TrainConfig, folder: Path) -> None:
    """The whole model, with the base's own configuration and tokenizer."""
    model.config = load_model_config(config)
    with quiet():
        model.save_pretrained(folder)
        # loaded anew: training may have given the other one a padding token
        tokenizer = load_tokenizer(config)
        for trace in LOADING_TRACES:
            tokenizer.init_kwargs.pop(trace, None)
        tokenizer.save_pretrained(folder)
    _make_readable(folder)


def model_card(
    config: TrainConfig, data_digest: str, config_digest: str, steps: int, figures: Mapping[str, float]
) -> str:
    """README.md of the merged model."""
    front_matter = {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["sft", config.method, "entp"],
    }
    if "/" in config.model and not Path(config.model).exists():
        front_matter["base_model"] = config.model
    settings = {**config.model_dump(exclude=_unsaid(config), exclude_none=True), "steps": steps}
    card = CARD.format(
        front_matter=yaml.safe_dump(front_matter, sort_keys=False),
        base=config.model,
        identity=model_identity(config.model, config.revision),
        trained=TRAINED[config.method],
        data_digest=data_digest,
        config_digest=config_digest,
        max_length=config.max_length,
        settings="\n".join(f"- `{name}`: {value}" for name, value in settings.items()),
        figures="\n".join(f"- `{name}`: {value:g}" for name, value in figures.items()),
    )
    return card if config.method == "full" else card + ADAPTER


def _unsaid(config: TrainConfig) -> set[str]:
    """Settings that the card leaves out: the base, which it names, and what changes nothing of the result."""
    adapters = (
        {name for name in TrainConfig.model_fields if name.startswith("lora_")} if config.method == "full" else set()
    )
    return {"model", "save_steps", "gradient_checkpointing", "sharded"} | adapters


def _make_readable(folder: Path) -> None:
    """Weights are saved for their owner only; who serves the model is often another user."""
    for file in folder.iterdir():
        file.chmod(0o644)

"""Write the trained model: merged weights that any tool loads, the adapter alone, and a card. No pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from entp.config import TrainConfig
from entp.llm.embedded import model_identity, quiet
from entp.train.base import load_model_config, load_tokenizer

#: How a tokenizer was loaded here, which transformers would write into its published configuration.
LOADING_TRACES = ("is_local", "local_files_only")

CARD = """---
{front_matter}---

# Model fine-tuned on a purge-mix training set

`{base}` (`{identity}`) with LoRA adapters trained by `entp` and merged into its weights. The tokenizer and the chat
template are the base model's own, unchanged.

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

The folder `adapter` beside this one holds the adapters alone, for `peft.PeftModel.from_pretrained(base_model, folder)`.
"""


def save_adapter(model: Any, config: TrainConfig, folder: Path) -> None:
    """The adapters as safetensors. They name the base model as the configuration does, not by a local path."""
    model.peft_config["default"].base_model_name_or_path = config.model
    with quiet():
        model.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's empty form; the card is the model's
    _make_readable(folder)


def save_merged(model: Any, config: TrainConfig, folder: Path) -> Any:
    """Merge the adapters into the base, save it with the base's own configuration and tokenizer, and return it."""
    merged = model.merge_and_unload()
    merged.config = load_model_config(config)
    with quiet():
        merged.save_pretrained(folder)
        # loaded anew: training may have given the other one a padding token
        tokenizer = load_tokenizer(config)
        for trace in LOADING_TRACES:
            tokenizer.init_kwargs.pop(trace, None)
        tokenizer.save_pretrained(folder)
    _make_readable(folder)
    return merged


def model_card(
    config: TrainConfig, data_digest: str, config_digest: str, steps: int, figures: Mapping[str, float]
) -> str:
    """README.md of the merged model."""
    front_matter = {"library_name": "transformers", "pipeline_tag": "text-generation", "tags": ["sft", "lora", "entp"]}
    if "/" in config.model and not Path(config.model).exists():
        front_matter["base_model"] = config.model
    settings = {**config.model_dump(exclude={"model", "save_steps"}, exclude_none=True), "steps": steps}
    return CARD.format(
        front_matter=yaml.safe_dump(front_matter, sort_keys=False),
        base=config.model,
        identity=model_identity(config.model, config.revision),
        data_digest=data_digest,
        config_digest=config_digest,
        max_length=config.max_length,
        settings="\n".join(f"- `{name}`: {value}" for name, value in settings.items()),
        figures="\n".join(f"- `{name}`: {value:g}" for name, value in figures.items()),
    )


def _make_readable(folder: Path) -> None:
    """Weights are saved for their owner only; who serves the model is often another user."""
    for file in folder.iterdir():
        file.chmod(0o644)

"""Supervised fine-tuning by TRL with LoRA adapters; goes on from the last whole checkpoint of a killed run."""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from entp.config import TrainConfig
from entp.errors import SetupError
from entp.llm.embedded import quiet
from entp.progress import Advance, progress
from entp.records import TRAINING_LOG
from entp.train.checkpoints import last_complete
from entp.train.examples import Example

#: Every linear layer of a Llama-like block (DS2, sec. 4; the usual choice for LoRA).
ADAPTED_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
CHECKPOINTS_KEPT = 2
#: Rows in one forward pass where rows are not packed; a packed sequence is a pass of its own.
LARGEST_MICRO_BATCH = 8


@dataclass(frozen=True)
class Fitted:
    """A trained PEFT model and its curve. `tokens` are those of all epochs; `sequences` those of one."""

    model: Any
    log: pl.DataFrame
    steps: int
    resumed_at: int
    sequences: int
    tokens: int
    tokens_per_second: float
    trainable_parameters: int


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
        with _hushed():
            return get_peft_model(model, lora)
    except ValueError as error:
        raise SetupError(
            f"train.model={config.model}: it has none of the layers that adapters go to ({', '.join(ADAPTED_LAYERS)}); "
            "take a model of the Llama, Qwen, Mistral, Gemma or SmolLM family"
        ) from error


def fit(
    model: Any, tokenizer: Any, examples: Sequence[Example], config: TrainConfig, seed: int, checkpoints: Path
) -> Fitted:
    """Train the adapters of `model`; `config.packing` must suit it (see `entp.train.packing`).

    Checkpoints go to `checkpoints` every `config.save_steps` steps and at the end. Under torchrun the processes share
    the batch. Raises SetupError where one process sees several GPUs, or the batch does not divide.
    """
    with _hushed():
        trainer = _trainer(model, tokenizer, examples, config, seed, checkpoints)
    sequences = len(trainer.train_dataset)
    steps = math.ceil(config.epochs * math.ceil(sequences / config.batch_size))
    resume = last_complete(checkpoints)
    with progress("train: fit", steps) as advance, _hushed():
        clock = _clock(advance)
        trainer.add_callback(clock)
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    tokens = sum(len(sequence) for sequence in trainer.train_dataset["input_ids"])
    done = trainer.state.global_step - clock.first_step
    return Fitted(
        model=trainer.model,
        log=training_log(trainer.state.log_history),
        steps=trainer.state.global_step,
        resumed_at=clock.first_step,
        sequences=sequences,
        tokens=round(tokens * config.epochs),
        tokens_per_second=tokens * config.epochs * done / steps / clock.seconds if done else 0.0,
        trainable_parameters=sum(weights.numel() for weights in trainer.model.parameters() if weights.requires_grad),
    )


def training_log(history: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """The TRAINING_LOG table from the Trainer's log, which also holds other entries."""
    rows = [
        {name: entry[name] for name in TRAINING_LOG.names()} for entry in history if "loss" in entry and "step" in entry
    ]
    return pl.DataFrame(rows, schema=TRAINING_LOG)


def _trainer(
    model: Any, tokenizer: Any, examples: Sequence[Example], config: TrainConfig, seed: int, checkpoints: Path
) -> Any:
    import datasets
    import torch
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    processes = process_count()
    if processes == 1 and torch.cuda.device_count() > 1:
        raise SetupError(
            f"train uses one GPU and sees {torch.cuda.device_count()}; set CUDA_VISIBLE_DEVICES=0, or use torchrun"
        )
    if config.batch_size % processes:
        raise SetupError(f"train.batch_size={config.batch_size} cannot be shared by {processes} processes")
    on_gpu = torch.cuda.is_available()
    share = config.batch_size // processes
    micro_batch = 1 if config.packing else math.gcd(share, LARGEST_MICRO_BATCH)
    arguments = SFTConfig(
        output_dir=str(checkpoints),
        num_train_epochs=config.epochs,
        # one packed sequence per pass: TRL lays a batch end to end, and attention costs the square of that
        per_device_train_batch_size=micro_batch,
        gradient_accumulation_steps=share // micro_batch,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup_ratio,
        packing=config.packing,
        packing_strategy="bfd",
        max_length=config.max_length,
        seed=seed,
        data_seed=seed,
        bf16=model.dtype == torch.bfloat16,
        use_cpu=not on_gpu,
        ddp_backend=("nccl" if on_gpu else "gloo") if processes > 1 else None,
        gradient_checkpointing=on_gpu,
        dataloader_pin_memory=on_gpu,
        save_strategy="steps",
        save_steps=config.save_steps,
        save_total_limit=CHECKPOINTS_KEPT,
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
    )
    datasets.disable_progress_bars()
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=datasets.Dataset.from_list([asdict(example) for example in examples]),
        processing_class=tokenizer,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def process_count() -> int:
    """How many processes train together (1, unless torchrun started this one)."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first_process() -> bool:
    """Whether this process speaks for all of them."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def _hushed() -> Iterator[None]:
    """The libraries warn each other about names they will drop; nobody here can act on that."""
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _clock(advance: Advance) -> Any:
    """A Trainer callback that moves the bar and keeps the step it began at and the seconds it took."""
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        first_step = 0
        seconds = 0.0

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
            self.first_step = state.global_step
            self.started = time.monotonic()
            advance(state.global_step)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
            self.seconds = time.monotonic() - self.started
            advance(1)

    return Clock()

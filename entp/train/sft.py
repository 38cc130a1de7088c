"""Supervised fine-tuning by TRL; goes on from the last whole checkpoint of a killed run."""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from entp.config import TrainConfig
from entp.errors import SetupError
from entp.llm.embedded import quiet
from entp.progress import Advance, progress
from entp.records import TRAINING_LOG
from entp.train.examples import Example
from entp.train.model import hushed, published_dtype
from entp.train.packing import sequences

CHECKPOINTS_KEPT = 2
#: The file that the Trainer writes last: a checkpoint where it can be read is whole.
LAST_WRITTEN = "trainer_state.json"
#: Rows in one forward pass where rows are not packed; a packed sequence is a pass of its own.
LARGEST_MICRO_BATCH = 8


@dataclass(frozen=True)
class Fitted:
    """A trained model and its curve. `tokens` are those of all epochs; `sequences` those of one.

    `weights` is the folder that holds what was trained: adapters, or the whole model.
    """

    model: Any
    weights: Path
    log: pl.DataFrame
    steps: int
    resumed_at: int
    sequences: int
    tokens: int
    tokens_per_second: float
    trainable_parameters: int


def fit(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    config: TrainConfig,
    seed: int,
    checkpoints: Path,
    difficulty: Sequence[float] | None = None,
) -> Fitted:
    """Train what `trainable` made; `config.packing` must suit the model (see `entp.train.packing`).

    With the `difficulty` of each example, easy ones come first. Checkpoints go to `checkpoints` every
    `config.save_steps` steps and at the end. Under torchrun the processes share the batch. Raises SetupError where one
    process sees several GPUs, or the batch does not divide.
    """
    import datasets

    datasets.disable_progress_bars()
    with hushed():
        trainer = _trainer(model, tokenizer, sequences(examples, config, difficulty), config, seed, checkpoints)
    count = len(trainer.train_dataset)
    steps = math.ceil(config.epochs * math.ceil(count / config.batch_size))
    resume = last_complete(checkpoints)
    with progress("train: fit", steps) as advance, hushed():
        clock = _clock(advance)
        trainer.add_callback(clock)
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    tokens = sum(len(sequence) for sequence in trainer.train_dataset["input_ids"])
    done = trainer.state.global_step - clock.first_step
    return Fitted(
        model=trainer.model,
        weights=_save_weights(trainer, config, checkpoints / "weights"),
        log=training_log(trainer.state.log_history),
        steps=trainer.state.global_step,
        resumed_at=clock.first_step,
        sequences=count,
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


def _trainer(model: Any, tokenizer: Any, rows: Any, config: TrainConfig, seed: int, checkpoints: Path) -> Any:
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
    if config.sharded and processes == 1:
        raise SetupError("train.sharded=true shares a model among processes, and there is one; start them by torchrun")
    on_gpu = torch.cuda.is_available()
    recomputes = on_gpu if config.gradient_checkpointing is None else config.gradient_checkpointing
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
        # they are laid out already
        dataset_kwargs={"skip_prepare_dataset": True},
        train_sampling_strategy="sequential" if config.order == "curriculum" else "random",
        seed=seed,
        data_seed=seed,
        bf16=published_dtype() == torch.bfloat16,
        use_cpu=not on_gpu,
        ddp_backend=("nccl" if on_gpu else "gloo") if processes > 1 else None,
        ddp_find_unused_parameters=False,
        gradient_checkpointing=recomputes and not config.sharded,
        fsdp=config.sharded or None,
        fsdp_config={"state_dict_type": "SHARDED_STATE_DICT", "activation_checkpointing": recomputes},
        dataloader_pin_memory=on_gpu,
        save_strategy="steps",
        save_steps=config.save_steps,
        save_total_limit=CHECKPOINTS_KEPT,
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
    )
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=rows,
        processing_class=tokenizer,
    )
    if config.sharded and not trainer.is_fsdp_enabled:
        raise SetupError("train.sharded=true: weights are shared among GPUs only, and there is none")
    trainer.remove_callback(PrinterCallback)
    return trainer


def _save_weights(trainer: Any, config: TrainConfig, folder: Path) -> Path:
    """What was trained, as safetensors, by the first process; where processes share the weights, all must call this."""
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

    state = None
    if trainer.is_fsdp_enabled:
        whole = get_model_state_dict(trainer.model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
        # What is gathered may still be on its way; a copy waits for it.
        state = {name: weights.clone() for name, weights in whole.items()}
    if is_first_process():
        options = {}
        if config.method != "full":
            # As the configuration names it, not by a local path; PEFT would look for the base under that name.
            trainer.model.peft_config["default"].base_model_name_or_path = config.model
            options = {"save_embedding_layers": False}
        with quiet():
            trainer.model.save_pretrained(folder, state_dict=state, **options)
    return folder


def last_complete(folder: Path) -> Path | None:
    """The whole checkpoint of the highest step, or None. Those that a kill left half-written are removed."""
    whole: dict[int, Path] = {}
    for checkpoint in folder.glob("checkpoint-*"):
        step = _step(checkpoint)
        if step is None:
            # another process of torchrun may be at it too
            shutil.rmtree(checkpoint, ignore_errors=True)
        else:
            whole[step] = checkpoint
    return whole[max(whole)] if whole else None


def _step(checkpoint: Path) -> int | None:
    try:
        return int(json.loads((checkpoint / LAST_WRITTEN).read_text())["global_step"])
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError, KeyError):
        return None


def process_count() -> int:
    """How many processes train together (1, unless torchrun started this one)."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first_process() -> bool:
    """Whether this process speaks for all of them."""
    return os.environ.get("RANK", "0") == "0"


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

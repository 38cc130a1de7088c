"""Tokens a second of our training, which packs rows, beside TRL as it comes, which pads them.

    python -m benchmarks.train POOL.parquet --rows 256 --runs 3

Both sides train the same adapters of the same model on the same rows (instruction, input and output, with Alpaca's
lengths) for one epoch, from the same seed. TRL's side has its own defaults: eight rows in a batch, padded to the
longest. Only real tokens count. The loss on rows that neither saw says whether both learnt as much.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from benchmarks import results
from benchmarks.apart import apart
from entp import params
from entp.config import TrainConfig
from entp.progress import console
from entp.train.chat_template import marked_template
from entp.train.examples import Encoded, Example, encode
from entp.train.model import load_model, load_tokenizer, with_adapters
from entp.train.sft import fit
from entp.train.validation import losses_of, mean_loss

#: Tokens a second, as a multiple of TRL's.
TARGET = 1.8
HELD_OUT = 64
PACKAGES = ("entp", "torch", "transformers", "trl", "peft")


@dataclass(frozen=True)
class Trained:
    """One side's run: real tokens, the seconds of training, the share of padding, the loss on held-out rows."""

    tokens: int
    seconds: float
    padding: float
    held_out_loss: float
    steps: int

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds


def main() -> None:
    arguments = _arguments()
    config = params.load(overrides=arguments.overrides)
    rows = read_rows(arguments.pool, arguments.rows + HELD_OUT, config.seed)
    runs: list[tuple[Trained, Trained]] = []
    for number in range(1, arguments.runs + 1):
        packed = apart(ours, rows, config.train, config.seed + number)
        padded = apart(plain, rows, config.train, config.seed + number)
        runs.append((packed, padded))
        console.print(
            f"run {number}: {packed.tokens_per_second:.0f} tokens/s packed, {padded.tokens_per_second:.0f} padded; "
            f"loss {packed.held_out_loss:.4f} and {padded.held_out_loss:.4f}"
        )
    found = results.result(
        "train",
        "trained tokens/s",
        results.Side("packed", [packed.tokens_per_second for packed, _ in runs]),
        results.Side("TRL's defaults, padded", [padded.tokens_per_second for _, padded in runs]),
        PACKAGES,
        {
            "rows": arguments.rows,
            "max_length": config.train.max_length,
            "runs": [{"packed": asdict(packed), "padded": asdict(padded)} for packed, padded in runs],
        },
        TARGET,
    )
    results.write(found, arguments.output)
    console.print(f"ratio {found['ratio']:.2f} (target {found['target']}); {arguments.output}")


def read_rows(pool: Path, count: int, seed: int) -> pl.DataFrame:
    """`count` rows of an Alpaca file by chance, as `messages`."""
    rows = pl.read_parquet(pool, columns=["instruction", "input", "output"]).sample(count, seed=seed)
    return pl.DataFrame(
        {
            "messages": [
                [
                    {"role": "user", "content": f"{row['instruction']}\n\n{row['input'] or ''}".strip()},
                    {"role": "assistant", "content": row["output"]},
                ]
                for row in rows.iter_rows(named=True)
            ],
            "tools": None,
        }
    )


def ours(rows: pl.DataFrame, config: TrainConfig, seed: int) -> Trained:
    """`entp.train` as the stage runs it."""
    tokenizer, training, held_out = _encoded(rows, config)
    model = with_adapters(load_model(config), config, seed)
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        fitted = fit(model, tokenizer, training.examples, config, seed, Path(folder))
        seconds = time.perf_counter() - began
    padding = 1 - training.tokens / (fitted.sequences * config.max_length)
    return Trained(training.tokens, seconds, padding, _loss(fitted.model, held_out.examples), fitted.steps)


def plain(rows: pl.DataFrame, config: TrainConfig, seed: int) -> Trained:
    """TRL's trainer with its own defaults, for the same adapters, rate and rows."""
    import datasets
    import torch
    from trl import SFTConfig, SFTTrainer

    tokenizer, training, held_out = _encoded(rows, config)
    model = with_adapters(load_model(config), config, seed)
    on_gpu = torch.cuda.is_available()
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        trainer = SFTTrainer(
            model=model,
            args=SFTConfig(
                output_dir=folder, num_train_epochs=1, learning_rate=config.learning_rate, seed=seed,
                max_length=config.max_length, warmup_steps=config.warmup_ratio, bf16=on_gpu, use_cpu=not on_gpu,
                gradient_checkpointing=on_gpu, report_to="none", disable_tqdm=True, save_strategy="no",
            ),
            train_dataset=datasets.Dataset.from_list([asdict(example) for example in training.examples]),
            processing_class=tokenizer,
        )  # fmt: skip
        shapes: list[int] = []
        model.register_forward_pre_hook(lambda _, given, named: shapes.append(_size(given, named)), with_kwargs=True)
        trainer.train()
        seconds = time.perf_counter() - began
    return Trained(
        training.tokens,
        seconds,
        1 - training.tokens / sum(shapes),
        _loss(trainer.model, held_out.examples),
        trainer.state.global_step,
    )


def _size(given: tuple[Any, ...], named: dict[str, Any]) -> int:
    return int((named["input_ids"] if "input_ids" in named else given[0]).numel())


def _encoded(rows: pl.DataFrame, config: TrainConfig) -> tuple[Any, Encoded, Encoded]:
    tokenizer = load_tokenizer(config)
    template = marked_template(tokenizer, config.model)
    parts = (rows.slice(HELD_OUT), rows.head(HELD_OUT))
    training, held_out = (encode(tokenizer, template, part, config.max_length) for part in parts)
    return tokenizer, training, held_out


def _loss(model: Any, examples: Sequence[Example]) -> float:
    return mean_loss(losses_of(model, examples, "held-out loss"), examples)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", type=Path, help="Parquet with the columns instruction, input and output")
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--output", type=Path, default=results.FOLDER / "train.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()

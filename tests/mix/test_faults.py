"""A thousand pairs against a server that fails a third of the time, and a process that is killed twenty times."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from entp import store
from entp.llm import ledger
from entp.records import FUSION_STATUSES
from tests.datasets import publish_pairs, sample

FAULTS = "429=0.1,500=0.05,hang=0.05,malformed=0.1,cut=0.02"
#: Fewer for every day; a thousand pairs and twenty kills take some minutes: ENTP_TEST_PAIRS=1000 ENTP_TEST_KILLS=20.
PAIRS = int(os.environ.get("ENTP_TEST_PAIRS", "30"))
KILLS = int(os.environ.get("ENTP_TEST_KILLS", "3"))
CONCURRENCY = 64
VERBS = ("water", "prune", "harvest", "transplant", "fertilise", "protect", "propagate", "mulch", "stake", "thin")
PLANTS = ("basil", "tomatoes", "roses", "mint", "lettuce", "beans", "peas", "thyme", "leeks", "kale", "dill", "sage")
PLACES = ("balcony", "greenhouse", "orchard", "meadow", "terrace", "allotment", "courtyard", "hillside", "border")


@contextmanager
def server(*options: str) -> Iterator[str]:
    """The model server in a process of its own; yields its base URL."""
    command = [sys.executable, "-m", "tests.llm.openai_server", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def record(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/record") as reply:
        return dict(json.load(reply))


def put_pairs(run: Path) -> Path:
    """`PAIRS` pairs of gardening questions, no two alike."""
    rows = []
    for number in range(2 * PAIRS):
        verb, plant = VERBS[number % len(VERBS)], PLANTS[number // len(VERBS) % len(PLANTS)]
        place = PLACES[number // (len(VERBS) * len(PLANTS)) % len(PLACES)]
        question = f"How do I {verb} {plant} on a {place}, in week {number % 52}?"
        rows.append(
            sample(question, f"{verb.title()} {plant} on the {place} in the evening, {number} times.", row=number)
        )
    return publish_pairs(run, rows)


def mix(run: Path, url: str) -> subprocess.Popen[bytes]:
    settings = [
        f"llm.endpoint={url}",
        "llm.model=m",
        f"llm.concurrency={CONCURRENCY}",
        "llm.timeout_seconds=2",
        "llm.retries=12",
        "mix.accept_loss=1.5",
        "rate.raters=[judge]",
        "audit.min_samples=100000",  # the model talks nonsense
    ]
    command = [sys.executable, "-c", "from entp.cli import main; main()", "mix", "--output", str(run), *settings]
    return subprocess.Popen(command, cwd=run, stdout=subprocess.DEVNULL)


def finished_requests(run: Path) -> int:
    return sum(use.made for use in ledger.usage_by_purpose(run / "cache")) if (run / "cache").is_dir() else 0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The run that nothing disturbs, on a server without faults."""
    run = put_pairs(tmp_path_factory.mktemp("undisturbed") / "run")
    with server() as url:
        assert mix(run, url).wait(1200) == 0
    return run


def test_with_a_third_of_the_tries_failing_every_pair_ends_as_it_would_have(undisturbed, tmp_path):
    run = put_pairs(tmp_path / "run")
    with server("--faults", FAULTS) as url:
        assert mix(run, url).wait(1200) == 0
        met = record(url)["met"]
    fusions = store.read(run / "mix", "fusions")
    assert set(met) == {"429", "500", "hang", "malformed", "cut"}
    assert fusions["pair_id"].to_list() == [f"pair{number:04d}" for number in range(PAIRS)]
    assert set(fusions["status"]) <= set(FUSION_STATUSES)
    assert fusions.equals(store.read(undisturbed / "mix", "fusions"))
    assert ledger.repeated_requests(run / "cache") == 0


def test_killed_at_random_moments_it_ends_with_the_same_pairs_and_repeats_nothing_finished(undisturbed, tmp_path):
    run = put_pairs(tmp_path / "run")
    needed, chance = finished_requests(undisturbed), random.Random(4)
    with server("--faults", FAULTS, "--seed", "1") as url:
        for kill in range(KILLS):
            process = mix(run, url)
            until = finished_requests(run) + chance.uniform(0, 2 * needed / (KILLS + 1) * (kill + 1) / KILLS)
            while process.poll() is None and finished_requests(run) < until:
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert mix(run, url).wait(1200) == 0
        answered = record(url)["answered"]
    assert store.read(run / "mix", "fusions").equals(store.read(undisturbed / "mix", "fusions"))
    assert ledger.repeated_requests(run / "cache") == 0
    assert finished_requests(run) == needed
    # What was on its way when the process died could not be kept, and is all that was answered twice.
    assert sum(count - 1 for count in answered.values()) <= KILLS * CONCURRENCY

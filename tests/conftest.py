"""What all tests share: the processes' cores, the tiers, and an encoder that costs nothing."""

from __future__ import annotations

import os

# Each of several test processes has its share of the cores; threads that wait for work must not take the others'.
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import functools
import hashlib
import inspect
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

#: Seconds of every test and shared fixture that takes over half a second, as `make measure-tests` measured them, by
#: `file::name`.
SECONDS: dict[str, float] = json.loads(Path(__file__).with_name("seconds.json").read_text())
#: A test is slow that takes longer, or a fixture that it shares with others.
SLOW = 1.0

WIDTH = 8

# KFP asks for the names on the stack at every step; with the sources of pytest's frames that took most of a minute.
inspect.stack = functools.partial(inspect.stack, 0)


def quick_vectors(texts: Sequence[str], *_: object) -> np.ndarray:
    """Unit-length vectors that depend on each text alone, and on nothing that it means."""
    seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) for text in texts]
    rows = np.stack([np.random.default_rng(seed).normal(size=WIDTH) for seed in seeds])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, and begin with the slowest files: with several processes, none is left over at the end."""
    files: dict[str, dict[str, float]] = defaultdict(dict)
    for item in items:
        file, _, test = item.nodeid.partition("[")[0].partition("::")
        names = [f"{file}::{name}" for name in (test, *getattr(item, "fixturenames", ()))]
        parts = {name: SECONDS[name] for name in names if name in SECONDS}
        files[file] |= parts
        if max(parts.values(), default=0.0) > SLOW:
            item.add_marker("slow")
    total = {file: sum(parts.values()) for file, parts in files.items()}
    items.sort(key=lambda item: -total[item.nodeid.partition("::")[0]])


@pytest.fixture(autouse=True)
def _no_encoder_for_a_scripted_model(request, monkeypatch):
    """The audit of `mix` embeds what was accepted; loading the encoder each time would take most of the tests' time."""
    if request.node.get_closest_marker("model") is None:
        monkeypatch.setattr("entp.embed.embed", quick_vectors)

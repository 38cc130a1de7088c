"""What all tests share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest

WIDTH = 8


def quick_vectors(texts: Sequence[str], *_: object) -> np.ndarray:
    """Unit-length vectors that depend on each text alone, and on nothing that it means."""
    seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) for text in texts]
    rows = np.stack([np.random.default_rng(seed).normal(size=WIDTH) for seed in seeds])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(autouse=True)
def _no_encoder_for_a_scripted_model(request, monkeypatch):
    """The audit of `mix` embeds what was accepted; loading the encoder each time would take most of the tests' time."""
    if request.node.get_closest_marker("model") is None:
        monkeypatch.setattr("entp.embed.embed", quick_vectors)

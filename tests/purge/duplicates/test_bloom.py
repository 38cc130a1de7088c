"""What was seen is called seen, in this process and the next; what is new seldom is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entp.errors import DataError
from entp.purge.duplicates.bloom import add, contains, current_error_rate, empty_filter, keys_of, load, save


def numbered(prefix: str, count: int) -> np.ndarray:
    return keys_of(f"{prefix} {number}" for number in range(count))


@pytest.mark.parametrize("rate", [0.05, 0.01, 0.001])
def test_new_keys_are_taken_for_seen_ones_as_often_as_stated(rate: float):
    known = empty_filter(20_000, rate)
    add(known, numbered("seen", 20_000))
    wrong = contains(known, numbered("new", 200_000)).mean()
    assert wrong == pytest.approx(rate, rel=0.35)
    assert current_error_rate(known) == pytest.approx(rate, rel=0.2)


def test_it_is_as_small_as_the_formula_says():
    assert empty_filter(1_000_000, 0.01).words.nbytes == pytest.approx(1_000_000 * 9.585 / 8, rel=0.001)
    assert empty_filter(1_000_000, 0.01).hashes == 7


@given(st.lists(st.text(max_size=3), max_size=40), st.integers(1, 10))
def test_a_key_that_came_before_is_always_seen(texts: list[str], chunk: int):
    known = empty_filter(1000, 1e-9)
    keys = keys_of(texts)
    seen = [add(known, keys[start : start + chunk]) for start in range(0, len(texts), chunk)]
    expected = [text in texts[:row] for row, text in enumerate(texts)]
    assert np.concatenate([np.empty(0, bool), *seen]).tolist() == expected
    assert contains(known, keys).all()
    assert known.held == len(set(texts))


def test_a_filter_past_its_capacity_says_that_it_errs_more():
    known = empty_filter(100, 0.01)
    add(known, numbered("seen", 1000))
    assert current_error_rate(known) > 0.3


def test_a_saved_filter_knows_what_it_knew_in_another_process(tmp_path: Path):
    known = empty_filter(100, 0.001)
    add(known, keys_of(["北京", "Name a city."]))
    save(known, tmp_path / "seen.npz")
    code = (
        "import sys; from pathlib import Path; from entp.purge.duplicates.bloom import *; "
        "print(contains(load(Path(sys.argv[1])), keys_of(['Name a city.', 'Paris', '北京'])).tolist())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "seen.npz")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[True, False, True]"
    again = load(tmp_path / "seen.npz")
    assert (again.capacity, again.error_rate, again.held) == (100, 0.001, 2)


def test_a_file_that_is_no_filter_is_refused(tmp_path: Path):
    broken = tmp_path / "seen.npz"
    for content in (b"", b"not a filter", b"PK\x03\x04rest"):
        broken.write_bytes(content)
        with pytest.raises(DataError, match="not a Bloom filter"):
            load(broken)
    np.savez(broken, numbers=np.array([99, 1, 1, 0]), error_rate=0.1, words=np.zeros(1, np.uint64))
    with pytest.raises(DataError, match="format 99"):
        load(broken)
    np.savez(broken, words=np.array(["x", {}], dtype=object))
    with pytest.raises(DataError, match="not a Bloom filter"):
        load(broken)


@pytest.mark.parametrize(("capacity", "rate"), [(0, 0.1), (10, 0.0), (10, 1.0)])
def test_an_impossible_filter_is_refused(capacity: int, rate: float):
    with pytest.raises(ValueError, match="capacity"):
        empty_filter(capacity, rate)

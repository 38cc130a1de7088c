"""The pace of writing, told from the ledger."""

from __future__ import annotations

from contextlib import closing
from types import SimpleNamespace

import pytest

from entp.llm import cache, ledger
from entp.llm.client import Reply
from entp.llm.ledger import Entry, tokens_per_second

#: When each batch was answered, for which purpose, and the tokens that were written in it.
BATCHES = [(90.0, "plan", 500), (100.0, "plan", 40), (101.0, "mix", 700), (104.0, "plan", 30), (110.0, "plan", 50)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache folder whose ledger holds `BATCHES`."""
    with closing(cache.connect(tmp_path)) as connection:
        for at, purpose, tokens in BATCHES:
            monkeypatch.setattr(ledger, "time", SimpleNamespace(time=lambda now=at: now))
            entry = Entry(f"at {at}", "generate", Reply("ok", text="", tokens_out=tokens), 1.0)
            ledger.record(connection, purpose, "m", [entry])
    return tmp_path


def test_the_pace_counts_from_the_first_reply_and_leaves_out_other_work(folder):
    assert tokens_per_second(folder, "plan", began=95, least=80) == (30 + 50) / (110 - 100)


def test_too_few_tokens_tell_no_pace(folder):
    assert tokens_per_second(folder, "plan", began=95, least=81) is None


@pytest.mark.parametrize("began", [105, 111])
def test_less_than_two_replies_tell_no_pace(folder, began):
    assert tokens_per_second(folder, "plan", began, least=0) is None

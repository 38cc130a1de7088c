"""Personal data: replaced in every turn, told apart inside a sample, and gone from all that is published."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entp import store
from entp.conversation import Message
from entp.errors import UsageError
from entp.pii.find import TYPES
from entp.purge.personal import chosen_types, replace_personal_data, without_personal_data
from entp.purge.stage import run
from tests.datasets import publish, sample
from tests.purge.pool import configured, frame

ANN, BOB = "ann.porter@gmail.com", "bob.miller@gmail.com"
#: Data of every type, as its recogniser's example shows it.
PIECES = [
    ANN,
    BOB,
    "ANN.PORTER@gmail.com",
    "(650) 253-0000",
    "650-253-0000",
    "84.23.101.7",
    "4539 1488 0343 6467",
    "DE21 5005 0000 1234 5678 97",
    "440308199901101512",
    "536-90-4399",
    "<EMAIL_1>",
    "<PHONE_3>",
    " and call ",
    "我的号码是13812340678。",
    "\n",
]


def replaced(*texts: str) -> list[str]:
    return without_personal_data(list(texts), TYPES)[0]


def test_types_are_chosen_by_name_and_an_unknown_one_is_named():
    assert chosen_types(None) == TYPES
    assert chosen_types([]) == ()
    with pytest.raises(UsageError, match="did you mean 'email'"):
        chosen_types(["emial"])


def test_the_same_datum_is_the_same_placeholder_in_every_turn():
    assert replaced(f"I am {ANN}, he is {BOB}.", f"Hello {BOB}; and {ANN.upper()}?") == [
        "I am <EMAIL_1>, he is <EMAIL_2>.",
        "Hello <EMAIL_2>; and <EMAIL_1>?",
    ]
    assert replaced("Call (650) 253-0000.", "Or call 650-253-0000.") == ["Call <PHONE_1>.", "Or call <PHONE_1>."]


def test_a_placeholder_that_is_there_already_is_nobody_elses():
    assert replaced(f"<EMAIL_1> wrote to {ANN}.") == ["<EMAIL_1> wrote to <EMAIL_2>."]


def test_only_the_types_asked_for_are_replaced():
    text = f"{ANN}, 84.23.101.7"
    assert without_personal_data([text], ["ip"]) == ([f"{ANN}, <IP_1>"], {"ip": 1})
    rows = frame(sample("Who?", text))
    assert replace_personal_data(rows, [])[0].equals(rows)


def test_chunks_are_replaced_sample_by_sample_and_counted():
    several = sample("x", "y") | {
        "messages": [
            Message(role="system", content=f"You write for {ANN}."),
            Message(role="user", content="Who do you write for?"),
            Message(role="assistant", content=f"For {ANN}, and {BOB}."),
        ]
    }
    rows = frame(sample("Hello", "there"), several, sample(f"Mail {BOB}", "Done."))
    after, counts = replace_personal_data(rows, TYPES)
    assert after["id"].to_list() == rows["id"].to_list()
    assert [turn["content"] for turn in after["messages"][1]] == [
        "You write for <EMAIL_1>.",
        "Who do you write for?",
        "For <EMAIL_1>, and <EMAIL_2>.",
    ]
    assert after["messages"][2][0]["content"] == "Mail <EMAIL_1>"
    assert counts.select("type", "count").rows() == [("email", 3), ("email", 1)]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map(" ".join), min_size=1, max_size=4))
def test_replacing_twice_is_replacing_once(texts: list[str]):
    once, _ = without_personal_data(texts, TYPES)
    again, counts = without_personal_data(once, TYPES)
    assert again == once
    assert not counts


def test_nothing_published_holds_a_datum(tmp_path: Path):
    rows = [sample("Who wrote?", f"It was {ANN}.\x00 She is at 84.23.101.7."), sample("And who else?", "Nobody.")]
    ingest = publish(tmp_path, "ingest", samples=rows)
    summary = run(configured(), {"ingest": ingest}, tmp_path / "purge")
    assert (summary.metrics["personal/email"], summary.metrics["personal/ip"], summary.metrics["personal/phone"]) == (
        1,
        1,
        0,
    )
    for table in ("samples", "repairs", "personal", "verdicts", "duplicates", "leaks", "rules"):
        told = store.read(tmp_path / "purge", table)
        assert "porter" not in str(told.to_dicts())
    kept = store.read(tmp_path / "purge", "samples").filter(pl.col("id") == rows[0]["id"])
    assert kept["messages"][0][1]["content"] == "It was <EMAIL_1>. She is at <IP_1>."

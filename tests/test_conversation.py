"""What stages read of a conversation."""

from __future__ import annotations

import polars as pl

from entp.conversation import (
    Message,
    answers,
    context_of,
    everything,
    heeding,
    is_learnt,
    plain,
    prompt_of,
    response_of,
    spoken,
    with_text,
)
from entp.records import SAMPLES, content_id

CALL = '[{"type":"function","function":{"name":"clock","arguments":{}}}]'
TALK: list[Message] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Time?"},
    {"role": "assistant", "content": "", "tool_calls": CALL},
    {"role": "tool", "content": "09:00", "tool_call_id": "1"},
    {"role": "assistant", "content": "Nine.", "reasoning": "It says nine."},
    {"role": "user", "content": "Sure?"},
    {"role": "assistant", "content": "Eight.", "learn": False},
]


def samples(*conversations: list[Message]) -> pl.DataFrame:
    rows = [{"id": str(number), "messages": messages} for number, messages in enumerate(conversations)]
    return pl.DataFrame(rows, schema=SAMPLES)


def test_the_response_is_the_last_answer_that_is_learnt_from():
    assert response_of(TALK) == "Nine."
    assert prompt_of(TALK) == f"Time?\n\n{CALL}\n\n09:00"
    assert context_of(TALK) == f"Be brief.\n\n{prompt_of(TALK)}"


def test_tables_and_lists_give_the_same_texts():
    plain_talk = TALK[:2] + TALK[4:5]
    for talk in (TALK, plain_talk, TALK[1:]):
        [row] = with_text(samples(talk)).to_dicts()
        assert (row["prompt"], row["response"]) == (prompt_of(talk), response_of(talk))
        assert heeding(with_text(samples(talk)))["prompt"].to_list() == [context_of(talk)]


def test_every_answer_that_is_learnt_from_is_a_row():
    found = answers(samples(TALK, TALK[1:2] + TALK[4:5]))
    assert found.select("id", "turn", "response").rows() == [("0", 2, CALL), ("0", 4, "Nine."), ("1", 1, "Nine.")]
    assert found["prompt"].to_list() == ["Time?", f"Time?\n\n{CALL}\n\n09:00", "Time?"]
    assert [is_learnt(turn) for turn in TALK] == [False, False, True, False, True, False, False]


def test_everything_holds_the_system_turn_and_reasoning():
    [row] = everything(samples(TALK)).to_dicts()
    assert row["prompt"].startswith("Be brief.\n\nTime?")
    assert row["response"] == "It says nine.\n\nNine."


def test_turns_that_any_template_takes_alternate():
    assert [turn["role"] for turn in spoken(TALK[1:5])] == ["user", "assistant", "user", "assistant"]
    assert [turn["content"] for turn in spoken([TALK[1], TALK[3]])] == ["Time?\n\n09:00"]


def test_datasets_have_calls_as_objects_and_only_what_is_there():
    turns = plain(samples(TALK)["messages"][0].to_list())
    assert turns == plain(TALK)
    assert turns[1] == {"role": "user", "content": "Time?"}
    assert turns[2]["tool_calls"] == [{"type": "function", "function": {"name": "clock", "arguments": {}}}]
    assert turns[4] == {"role": "assistant", "content": "Nine.", "reasoning_content": "It says nine."}
    assert turns[6]["weight"] == 0


def test_the_address_of_a_plain_conversation_does_not_know_of_other_fields():
    pair: list[Message] = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    whole = samples(pair)["messages"][0].to_list()
    assert content_id(pair) == content_id(whole)
    others = [[pair[0], {**pair[1], **extra}] for extra in ({"reasoning": "r"}, {"learn": False}, {"tool_calls": CALL})]
    ids = [content_id(pair), content_id(pair, "[]"), *(content_id(turns) for turns in others)]
    assert len(set(ids)) == len(ids)

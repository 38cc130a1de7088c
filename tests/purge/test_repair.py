"""Repairs: to a fixed point, turn by turn, and nothing that was not broken."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from entp.conversation import Message
from entp.purge.repair import repair
from tests.datasets import sample
from tests.purge.pool import REPAIRS, frame

#: Pieces that repairs look for, to be met in every combination.
DAMAGE = st.sampled_from(
    [
        "&amp;",
        "&amp;amp;lt;",
        "\\n",
        '\\"',
        "\r\n",
        "\n\n\n\n\n",
        "\x00",
        "\ufeff",
        "â€™",
        "Ã©",
        "Ã",
        "<noinput>",
        "</s>",
        "<|im_end|>",
        "### Instruction:",
        "，",
        ",",
        "。",
        "。。。",
        "1。",
        "########",
        " ",
        "\n",
        "中",
        "文",
        "word",
        "A. B",
    ]
)
TEXT = st.lists(st.one_of(DAMAGE, st.text(max_size=6)), max_size=12).map("".join)
WORDS = st.text(alphabet="abcdefghij klmnop.", max_size=80)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6))
def test_repairing_twice_is_repairing_once(pairs: list[tuple[str, str]]):
    once, _ = repair(frame(*(sample(prompt, response) for prompt, response in pairs)), REPAIRS)
    twice, repairs = repair(once, REPAIRS)
    assert twice.equals(once)
    assert repairs.is_empty()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6))
def test_clean_text_stays_as_it_is(pairs: list[tuple[str, str]]):
    before = frame(*(sample(prompt, response) for prompt, response in pairs))
    after, repairs = repair(before, REPAIRS)
    assert after.equals(before)
    assert repairs.is_empty()


def test_every_turn_of_a_conversation_is_repaired_and_the_turns_are_counted():
    row = sample("one", "two") | {
        "messages": [
            Message(role="system", content="Be kind.\x00"),
            Message(role="user", content="Hello\x07"),
            Message(role="assistant", content="Hi.<|im_end|>"),
            Message(role="user", content="Say <|im_end|>"),
            Message(role="assistant", content="It â€™s me.</s>"),
        ]
    }
    after, repairs = repair(frame(row), REPAIRS)
    assert [turn["content"] for turn in after["messages"][0]] == [
        "Be kind.",
        "Hello",
        "Hi.",
        "Say <|im_end|>",
        "It ’s me.",
    ]
    assert repairs.select("turn", "reasons", "before").rows() == [
        (0, ["control_characters"], "Be kind.\x00"),
        (1, ["control_characters"], "Hello\x07"),
        (2, ["trailing_role_marker"], "Hi.<|im_end|>"),
        (4, ["mojibake", "trailing_role_marker"], "It â€™s me.</s>"),
    ]
    assert repairs["after"].to_list() == ["Be kind.", "Hello", "Hi.", "It ’s me."]


def test_samples_keep_their_order_and_ids():
    rows = [sample(f"Question {number}", "Answer\x00" if number % 2 else "Answer") for number in range(20)]
    after, _ = repair(frame(*rows), REPAIRS)
    assert after["id"].to_list() == [row["id"] for row in rows]

from __future__ import annotations

import pytest

from entp.rate.excerpt import GAP, ends, estimated_tokens, head, recent_turns, shares
from entp.records import Message


def turns(*contents: str) -> list[Message]:
    return [Message(role=("user", "assistant")[index % 2], content=text) for index, text in enumerate(contents)]


def test_a_text_within_the_budget_is_not_touched():
    assert ends("short", 10) == "short"


def test_a_long_text_keeps_its_beginning_and_its_end():
    cut = ends("start " + "x" * 5000 + " finish", 100)
    assert cut.startswith("start ")
    assert cut.endswith(" finish")
    assert GAP in cut
    assert estimated_tokens(cut.replace(GAP, "")) <= 100


@pytest.mark.parametrize("character", ["w", "水", "wé"])
def test_a_text_that_just_fits_is_whole(character: str):
    texts = [character * length for length in range(1, 1000)]
    assert [text for text in texts if head(text, estimated_tokens(text)) != text] == []


def test_chinese_counts_for_more_tokens_than_english():
    assert len(head("水" * 1000, 100)) < len(head("w" * 1000, 100)) / 3


def test_what_one_side_does_not_need_goes_to_the_other():
    for_prompt, for_response = shares("ab" * 10, "x" * 10_000, 100)
    assert for_prompt == pytest.approx(estimated_tokens("ab" * 10))
    assert for_prompt + for_response == pytest.approx(100)


def test_two_long_sides_get_half_each():
    assert shares("x" * 10_000, "x" * 10_000, 100) == (50, 50)


def test_the_latest_turns_are_kept_and_begin_with_the_user():
    kept = recent_turns(turns("old " * 300, "old answer", "newer", "answer", "newest"), 60)
    assert [turn["content"] for turn in kept] == ["newer", "answer", "newest"]


def test_a_last_turn_over_the_budget_is_cut_rather_than_dropped():
    kept = recent_turns(turns("x" * 5000), 50)
    assert len(kept) == 1
    assert estimated_tokens(kept[0]["content"]) < 60


def test_a_short_system_turn_stays():
    system = Message(role="system", content="Be brief.")
    assert recent_turns([system, *turns("hello")], 100) == [system, *turns("hello")]

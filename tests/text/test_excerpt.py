from __future__ import annotations

import pytest

from entp.text.excerpt import GAP, ends, estimated_tokens, head, shares


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

"""Key terms: what a text is about, in English and Chinese."""

from __future__ import annotations

import pytest

from entp.mix.key_terms import count_documents, key_terms, missing_terms, stem

POOL = count_documents(
    ["Name three capital cities.", "Name three fruits.", "Describe the capital of Peru.", "介绍北京"]
)


def test_rare_words_are_heavier_than_common_ones():
    assert key_terms("Describe the three fruits of Madagascar.", POOL, 2) == ("madagascar", "fruits")


def test_words_of_asking_are_no_terms():
    assert key_terms("Please write me a list of examples.", POOL, 6) == ()


def test_numbers_are_terms():
    assert "1984" in key_terms("What happened in 1984?", POOL, 6)


def test_one_term_stands_for_all_its_forms():
    assert key_terms("Visit a garden: visiting gardens is visited.", POOL, 6) == ("visit", "garden")


def test_chinese_terms_are_pairs_of_characters_without_particles():
    assert set(key_terms("请介绍上海的历史", POOL, 6)) == {"介绍", "绍上", "上海", "历史"}


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("healthy", "how to keep your health"),
        ("describe", "a description of it"),
        ("animals", "one animal"),
        ("stories", "a short story"),
        ("education", "an educated guess"),
        ("北京", "我住在北京"),
        ("2,000", "about 2,000 of them"),
    ],
)
def test_a_term_is_covered_by_its_other_forms(term, text):
    assert missing_terms([term], text) == []


@pytest.mark.parametrize(
    ("term", "text"), [("plan", "a planet"), ("car", "take care"), ("1984", "19840"), ("art", "part")]
)
def test_a_term_is_not_covered_by_a_word_that_only_looks_like_it(term, text):
    assert missing_terms([term], text) == [term]


def test_a_stem_keeps_four_letters():
    assert (stem("bus"), stem("uses"), stem("describing")) == ("bus", "uses", "describ")

"""Key terms: what a text is about, and whether another text takes it up."""

from __future__ import annotations

import pytest

from entp.text.key_terms import count_documents, key_terms, missing_terms, topic_terms

POOL = count_documents(
    [
        "Name three capital cities.",
        "Name three fruits.",
        "Describe the capital of Peru.",
        "What is machine learning?",
        "Machine learning needs data.",
        "I like machine learning.",
        "介绍北京",
    ]
)


def test_rare_words_are_heavier_than_common_ones():
    assert key_terms("Describe the three fruits of Madagascar.", POOL, 2) == ("madagascar", "fruits")


def test_words_of_asking_are_no_terms():
    assert key_terms("Please write me a list of examples.", POOL, 6) == ()
    assert key_terms("请给出一些例子。", POOL, 6) == ()


def test_numbers_and_acronyms_are_terms():
    assert key_terms("What did AI do in WW2 and 1984?", POOL, 6) == ("ai", "ww2", "1984")


def test_one_term_stands_for_all_its_forms():
    assert key_terms("Visit a garden: visiting gardens is visited.", POOL, 6) == ("visit", "garden")


def test_a_name_and_a_phrase_that_the_pool_knows_are_one_term():
    assert key_terms("Explain Marie Curie by machine learning.", POOL, 6) == ("marie curie", "machine learning")


def test_a_sentence_that_begins_with_a_verb_begins_with_no_name():
    assert key_terms("Translate English. Visit Spain.", POOL, 6) == ("translate", "english", "visit", "spain")


def test_a_prompt_is_about_what_it_asks_for_before_what_it_brings():
    prompt = "Classify the report.\n\nQuartz, feldspar, quartz and more quartz were found."
    assert topic_terms(prompt, POOL, 3) == ("classify", "report", "quartz")
    assert key_terms(prompt, POOL, 1) == ("quartz",)


def test_chinese_terms_are_words_without_particles_and_words_of_asking():
    assert key_terms("请介绍上海的操作系统，以及一只猫。", POOL, 6) == ("上海", "操作系统", "猫")


def test_other_languages_have_their_own_function_words():
    assert key_terms("Was ist der Unterschied zwischen einem Hund und einer Katze?", POOL, 6, "de") == (
        "unterschied",
        "hund",
        "katze",
    )


@pytest.mark.parametrize(
    ("term", "text", "language"),
    [
        ("healthy", "how to keep your health", "en"),
        ("describe", "a description of it", "en"),
        ("popularity", "a popular song", "en"),
        ("laughter", "he laughs", "en"),
        ("animals", "one animal", "en"),
        ("running", "a short run", "en"),
        ("wrote", "a letter written by hand", "en"),
        ("children", "the child's toy", "en"),
        ("3", "three fruits", "en"),
        ("new york", "York is new to me", "en"),
        ("2,000", "about 2,000 of them", "en"),
        ("children", "one child", "und"),
        ("häuser", "ein kleines Haus", "de"),
        ("été", "un jour de l’été", "fr"),
        ("hablar", "ella habla despacio", "es"),
        ("北京", "我住在北京", "zh"),
        ("流行歌曲", "流行的歌曲", "zh"),
    ],
)
def test_a_term_is_covered_by_its_other_forms(term, text, language):
    assert missing_terms([term], text, language) == []


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("plan", "a planet"),
        ("car", "take care"),
        ("1984", "19840"),
        ("art", "part"),
        ("company", "he compares"),
        ("listen", "a list"),
        ("new york", "a new city"),
    ],
)
def test_a_term_is_not_covered_by_a_word_that_only_looks_like_it(term, text):
    assert missing_terms([term], text) == [term]

"""What examples/judging/README.md says of the pairs, so that an AUC over them means what it seems to mean."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product

import pytest

from entp.text.words import is_han, ngrams, words
from tests.rate.conversations import JUDGING, pairs

FIELDS = ["id", "kind", "domain", "language", "instruction", "good", "bad"]
KINDS = ["wrong", "off_topic", "truncated", "garbled", "copied"]
DOMAINS = ["knowledge", "writing", "mathematics", "code", "advice", "extraction", "classification", "translation"]
PAIRS = pairs()
FINAL_PUNCTUATION = tuple('.!?…。！？"”»’')


def words_of(row, side):
    """Words, or characters where the instruction is Chinese."""
    text = row[side]
    return len("".join(text.split())) if row["language"] == "zh" else len(text.split())


def characters_of(row, side):
    return len(row[side])


def auc(rows, length):
    """Chance that a good answer is longer than a bad one; ties count half."""
    lengths = product((length(row, "good") for row in rows), (length(row, "bad") for row in rows))
    longer = [(good > bad) + 0.5 * (good == bad) for good, bad in lengths]
    return sum(longer) / len(longer)


def good_is_longer(rows, length):
    """Share of pairs whose good answer is the longer; ties count half."""
    lengths = [(length(row, "good"), length(row, "bad")) for row in rows]
    return sum((good > bad) + 0.5 * (good == bad) for good, bad in lengths) / len(rows)


def share_found(text, other, length=3):
    """Share of the word n-grams of `text` that `other` has too."""
    there = set(ngrams(words(other), length))
    runs = ngrams(words(text), length)
    return sum(run in there for run in runs) / len(runs)


def test_every_row_has_its_fields_and_a_text_in_each():
    assert [row["id"] for row in PAIRS if list(row) != FIELDS] == []
    assert [row["id"] for row in PAIRS for text in row.values() if not text.strip() or text != text.strip()] == []


def test_every_kind_has_six_rows_in_every_domain_one_of_them_chinese():
    rows = Counter((row["kind"], row["domain"]) for row in PAIRS)
    chinese = Counter((row["kind"], row["domain"]) for row in PAIRS if row["language"] == "zh")
    assert rows == dict.fromkeys(product(KINDS, DOMAINS), 6)
    assert chinese == dict.fromkeys(product(KINDS, DOMAINS), 1)


def test_the_language_is_that_of_the_instruction():
    chinese = {row["id"] for row in PAIRS if any(is_han(word) for word in words(row["instruction"]))}
    assert chinese == {row["id"] for row in PAIRS if row["language"] == "zh"}


@pytest.mark.parametrize("field", ["id", "instruction", "good", "bad"])
def test_nothing_is_there_twice(field):
    texts = Counter(" ".join(row[field].lower().split()) for row in PAIRS)
    assert [text for text, times in texts.items() if times > 1] == []


def test_no_two_instructions_are_nearly_the_same():
    runs = [(row["id"], set(ngrams(words(row["instruction"]), 3))) for row in PAIRS]
    near = [
        (one, other)
        for (one, left), (other, right) in combinations(runs, 2)
        if len(left & right) > 0.3 * len(left | right)
    ]
    assert near == []


@pytest.mark.parametrize("row", PAIRS, ids=lambda row: row["id"])
def test_both_answers_of_a_pair_are_of_one_length(row):
    good, bad = words_of(row, "good"), words_of(row, "bad")
    assert abs(good - bad) <= max(2 if row["language"] == "en" else 4, 0.05 * max(good, bad))
    good, bad = characters_of(row, "good"), characters_of(row, "bad")
    assert abs(good - bad) <= max(12, 0.15 * max(good, bad))


@pytest.mark.parametrize("length", [words_of, characters_of])
def test_length_says_nothing_about_merit(length):
    assert 0.48 <= auc(PAIRS, length) <= 0.52
    assert 0.45 <= good_is_longer(PAIRS, length) <= 0.55


@pytest.mark.parametrize("length", [words_of, characters_of])
@pytest.mark.parametrize("kind", KINDS)
def test_length_says_nothing_within_a_kind(kind, length):
    assert 0.45 <= auc(pairs(kind), length) <= 0.55
    assert 0.4 <= good_is_longer(pairs(kind), length) <= 0.6


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_short_and_long_answers(kind):
    lengths = [words_of(row, "good") for row in pairs(kind) if row["language"] == "en"]
    assert min(lengths) >= 10
    assert max(lengths) <= 150
    assert sum(length <= 25 for length in lengths) >= 10
    assert sum(length >= 60 for length in lengths) >= 6
    assert any(length >= 120 for length in lengths)


def test_a_wrong_answer_is_worded_like_the_good_one():
    assert [row["id"] for row in pairs("wrong") if share_found(row["bad"], row["good"], 1) < 0.15] == []


def test_half_of_the_answers_off_the_topic_are_good_answers_to_other_instructions():
    good = {row["good"] for row in pairs("off_topic")}
    assert sum(row["bad"] in good for row in pairs("off_topic")) == 24


def test_an_answer_off_the_topic_shares_hardly_a_phrase_with_the_good_one():
    assert [row["id"] for row in pairs("off_topic") if share_found(row["bad"], row["good"]) > 0.25] == []


def test_a_truncated_answer_breaks_off_and_is_no_beginning_of_the_good_one():
    ended = [row["id"] for row in pairs("truncated") if row["bad"].endswith(FINAL_PUNCTUATION)]
    beginning = [row["id"] for row in pairs("truncated") if row["good"].startswith(row["bad"])]
    assert (ended, beginning) == ([], [])


def test_good_answers_beside_truncated_ones_are_complete():
    texts = [row for row in pairs("truncated") if row["domain"] not in ("code", "extraction")]
    assert [row["id"] for row in texts if not row["good"].endswith(FINAL_PUNCTUATION)] == []


def test_a_garbled_answer_keeps_few_phrases_of_the_good_one():
    assert [row["id"] for row in pairs("garbled") if share_found(row["bad"], row["good"]) > 0.5] == []


def test_a_copied_answer_is_in_the_instruction_and_the_good_one_is_not():
    assert [row["id"] for row in pairs("copied") if share_found(row["bad"], row["instruction"]) < 0.8] == []
    assert [row["id"] for row in pairs("copied") if share_found(row["good"], row["instruction"]) > 0.5] == []


def test_the_documentation_counts_the_longest_answer():
    longest = max(words_of(row, "good") for row in PAIRS if row["language"] == "en")
    assert f"10 to {longest} words" in (JUDGING / "README.md").read_text(encoding="utf-8")

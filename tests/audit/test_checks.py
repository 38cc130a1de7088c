"""Each check, by what trips it and what passes."""

from __future__ import annotations

import pytest

from entp.audit.checks import CHECKS
from entp.audit.toxic_words import toxic_words
from entp.text.words import words
from tests.audit.samples import BEACH, FRUITS, ITEM, PICNIC, found, sample

FRENCH = "On emporte des oranges et des citrons, puis on regarde le soleil se coucher lentement sur la mer."
CHINESE = "我会带上橙子和柠檬，一边吃一边看太阳慢慢地落到海里去。"
DIGITS = "Dial (650) 253-0000 and ask for her."


@pytest.mark.parametrize(
    ("check", "one", "passed"),
    [
        ("toxicity", sample(response="The gulls are bastards, and you are an asshole."), False),
        ("toxicity", sample(response="Scunthorpe's cocks crow; breast cancer, sex education and Moby Dick."), True),
        ("toxicity", sample(response="妈妈的书在他妈妈那里，说明性别与性格。"), True),
        ("toxicity", sample(response="他妈的，我不想去。"), False),
        ("pii", sample(response=DIGITS), False),
        ("pii", sample(response=DIGITS, parents=(FRUITS, ("Whom do I ask?", DIGITS))), False),
        ("pii", sample(response="Write to jane@example.com, at 127.0.0.1, before 2023-01-15."), True),
        ("language", sample(response=FRENCH), False),
        ("language", sample(response=CHINESE), False),
        ("language", sample(response=FRENCH, parents=(FRUITS, ("Un voyage?", FRENCH))), True),
        ("language", sample("Say in French what you take to the beach.", FRENCH), True),
        ("language", sample(response="for (let i = 0; i < 10; i++) { console.log(i); }"), True),
        ("language", sample(response="Pizza Margherita, Lasagne, Risotto."), True),
        ("contamination", sample(f"Here is a riddle. {ITEM}"), False),
        ("contamination", sample(response=f"You may ask: {ITEM}"), False),
        ("contamination", sample("Who wrote the play?"), False),
        ("contamination", sample(response="Who wrote the play?"), True),
        ("near_duplicate_of_parent", sample(*FRUITS), False),
        ("near_duplicate_of_parent", sample(FRUITS[0].upper(), PICNIC[1]), False),
        ("near_duplicate_of_parent", sample(PICNIC[0], BEACH[1]), False),
        ("near_duplicate_of_parent", sample(response="Oranges.", parents=(("Name a fruit.", "Oranges."),)), True),
        ("near_duplicate_of_parent", sample(f"{FRUITS[0]} {BEACH[0]}", f"{FRUITS[1]} {BEACH[1]}"), True),
    ],
)
def test_a_check_trips_on_what_is_wrong_and_only_on_that(check, one, passed):
    assert found(one, check).passed is passed


def test_an_untouched_sample_passes_every_check():
    assert [check for check in CHECKS if not found(sample(), check).passed] == []


def test_a_toxic_word_that_a_parent_has_is_the_pools_to_answer_for():
    vulgar = ("Censor this: go away, you asshole.", "Go away, you [...].")
    asked = "Censor both: go away, you asshole, and leave the beach."
    assert found(sample(asked, parents=(vulgar, BEACH)), "toxicity").passed
    assert not found(sample(asked + " Bullshit!", parents=(vulgar, BEACH)), "toxicity").passed


def test_toxic_words_are_masked_in_the_detail():
    assert found(sample(response="What an asshole."), "toxicity").detail == "it has a******"


def test_a_personal_datum_is_told_by_type_and_origin_and_never_shown():
    shared = ("Whom do I ask?", DIGITS)
    finding = found(sample(response=f"{DIGITS} Or mail sam.porter@gmail.com.", parents=(FRUITS, shared)), "pii")
    assert finding.detail == "it has 1 email (no parent has it), 1 phone (a parent has it)"
    assert finding.value == 2


def test_a_personal_datum_in_any_turn_counts():
    one = sample()
    one.messages.insert(0, {"role": "system", "content": "You are sam.porter@gmail.com."})
    assert not found(one, "pii").passed


def test_nothing_is_held_against_a_language_that_the_parents_do_not_tell():
    assert found(sample(response=FRENCH, parents=(("2+2", "4"),), languages=frozenset()), "language").passed


def test_a_leak_names_the_item_and_how_much_of_it_there_is():
    finding = found(sample(f"A riddle: {ITEM}"), "contamination")
    assert finding.detail == "it holds 100% of moon.jsonl row 7, 19 words on end"


def test_a_copy_names_the_parent_and_the_part():
    assert found(sample(*BEACH), "near_duplicate_of_parent").detail == "its whole is that of parent 2 again"


def test_two_tasks_on_the_same_long_passage_are_two():
    passage = " ".join(
        f"The town of {name} lies on a river and has a market on day {day}." for day, name in enumerate("abcdef")
    )
    parent = (f"Say in one word which kind of text this is. {passage}", "A guide.")
    asked = f"Name the towns below, then tell on which days their markets are held. {passage}"
    assert found(sample(asked, "They are a to f, on days 0 to 5.", (parent,)), "near_duplicate_of_parent").passed


def test_toxic_words_are_whole_words():
    assert toxic_words(words("Classic Dickens in Scunthorpe: he assesses a shiitake, and passes.")) == frozenset()
    assert toxic_words(words("Holy SHIT, what a son of a bitch!")) == {"shit", "bitch"}

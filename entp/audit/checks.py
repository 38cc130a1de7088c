"""The checks of one new sample: what it says, where it comes from, whether it is new, whether it is good.

A check takes a `Case` and gives a `Finding`. A new one is a function and a row of the table at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

import polars as pl

from entp.audit.case import Case
from entp.audit.features import SHINGLE_WORDS, Features
from entp.audit.sample import Finding
from entp.purge.duplicates.shingles import Shingles
from entp.purge.duplicates.similarity import jaccard
from entp.purge.text import concerns_translation
from entp.text.language import UNKNOWN, detect_language

#: Less certain guesses are no evidence; nor are guesses on a text with fewer letters: names, code, lists (our choice,
#: by reading what trips on English rows).
CERTAINTY = 0.8
MIN_LETTERS = 30
#: Shorter answers ("Paris", "3.14 metres") are alike by chance; in shingles.
MIN_RESPONSE = 5
#: Shingles that differ where one word does. Prompts over the same long passage differ in more, and are two.
ONE_PLACE = 2 * SHINGLE_WORDS


def toxicity(case: Case) -> Finding:
    """Has the model brought in a vulgar word or a slur? Counts the toxic words that no parent has.

    What the parents say is the pool's to answer for ("Censor this sentence: ..."), and a measure of the set counts it.
    """
    known = {word for parent in case.parents for word in parent.toxic_words}
    added = sorted(case.new.toxic_words - known)
    detail = "it has " + ", ".join(_masked(word) for word in added) if added else ""
    return case.finding("toxicity", len(added), not added, detail)


def _masked(word: str) -> str:
    return word[0] + "*" * (len(word) - 1)


def pii(case: Case) -> Finding:
    """Does the sample tell anybody's personal data? Counts them (`entp.pii`) in all turns.

    The model's inventions count as much as the parents': an invented number may be somebody's, and a real one is no
    less so for having been in the pool.
    """
    known = {datum for parent in case.parents for datum in parent.personal_data}
    found = Counter((type_, (type_, text) in known) for type_, text in case.new.personal_data)
    named = [f"{count} {type_} ({'a parent' if old else 'no parent'} has it)" for (type_, old), count in found.items()]
    detail = "it has " + ", ".join(sorted(named)) if named else ""
    return case.finding("pii", found.total(), not found, detail)


def language(case: Case) -> Finding:
    """Is the sample in its parents' language? Counts texts that clearly are not; translations are exempt."""
    told = _clear_languages([case.new.prompt, case.new.response])
    foreign = [code for code in told if code not in case.languages]
    if foreign:
        foreign = [code for code in foreign if code not in _languages_of_parents(case)]
    if not foreign or _asks_for_translation(case.new.prompt):
        return case.finding("language", 0, True)
    return case.finding("language", len(foreign), False, f"it is in {', '.join(sorted(set(foreign)))}, no parent is")


def _languages_of_parents(case: Case) -> frozenset[str]:
    """Every language that a text of a parent may be in; all of the sample's own where none is clear."""
    texts = [text for parent in case.parents for text in (parent.prompt, parent.response)]
    if not case.languages and not _clear_languages(texts):
        return frozenset(_clear_languages([case.new.prompt, case.new.response]))
    return case.languages | {detect_language(text)[0] for text in texts}


def _clear_languages(texts: Iterable[str]) -> list[str]:
    """The languages of those texts that leave no doubt."""
    found = []
    for text in texts:
        code, certainty = detect_language(text)
        if code != UNKNOWN and certainty >= CERTAINTY and (code == "zh" or _letters(text) >= MIN_LETTERS):
            found.append(code)
    return found


def _letters(text: str) -> int:
    return sum(character.isalpha() for character in text[: 4 * MIN_LETTERS])


def _asks_for_translation(prompt: str) -> bool:
    return bool(pl.select(concerns_translation(pl.lit(prompt))).item())


def contamination(case: Case) -> Finding:
    """Does the sample give away an evaluation item (`entp.contamination`)? The largest share that it holds (0..1).

    An item shorter than a run is looked for as a whole prompt only.
    """
    index, new = case.context.benchmarks, case.new
    found = [index.find_runs(new.prompt_words), index.find_runs(new.response_words), index.find_whole(new.prompt_words)]
    leaks = [leak for leak in found if leak is not None]
    if not leaks:
        return case.finding("contamination", 0.0, True)
    worst = max(leaks, key=lambda leak: leak.share)
    detail = f"it holds {worst.share:.0%} of {worst.benchmark} row {worst.row}, {worst.stretch} words on end"
    return case.finding("contamination", worst.share, False, detail)


def near_duplicate_of_parent(case: Case) -> Finding:
    """Is the sample anything else than its parent again? The highest Jaccard similarity of word shingles with a parent.

    Of the prompts, of the responses, or of both as one.
    """
    similarity, part, place = max(
        (similarity, part, -place)
        for place, parent in enumerate(case.parents, start=1)
        for part, similarity in _similarities(case.new, parent).items()
    )
    passed = similarity < case.context.config.near_duplicate_jaccard
    detail = "" if passed else f"its {part} is that of parent {-place} again"
    return case.finding("near_duplicate_of_parent", similarity, passed, detail)


def _similarities(new: Features, parent: Features) -> dict[str, float]:
    (prompt, response), (old_prompt, old_response) = new.shingles, parent.shingles
    found = {"whole": _of_both(new.shingles, parent.shingles)}
    if len(prompt ^ old_prompt) <= ONE_PLACE:
        found["prompt"] = jaccard(prompt, old_prompt)
    if min(len(response), len(old_response)) >= MIN_RESPONSE:
        found["response"] = jaccard(response, old_response)
    return found


def _of_both(one: tuple[Shingles, Shingles], other: tuple[Shingles, Shingles]) -> float:
    shared = sum(len(mine & theirs) for mine, theirs in zip(one, other, strict=True))
    return shared / sum(len(mine | theirs) for mine, theirs in zip(one, other, strict=True))


def near_duplicate(case: Case) -> Finding:
    """Is the sample much like another new one? Its similarity with an earlier one, 0 where none is near.

    The first by id stays (`entp.audit.near_duplicates`).
    """
    if case.pair_id not in case.context.near_duplicates:
        return case.finding("near_duplicate", 0.0, True)
    first, similarity = case.context.near_duplicates[case.pair_id]
    return case.finding("near_duplicate", similarity, False, f"it is much like the sample of pair {first}")


def re_rating(case: Case) -> Finding:
    """What does the rater say that did not accept the sample? How far its number lies above the worse parent's.

    In that rater's own unit, negative below. The sample passes down to the standard deviation by which two parents
    differ: a rater tells samples that are equally good apart by as much. Null where a number is missing; then nothing
    is held against the sample.
    """
    opinion = case.context.ratings.get(case.pair_id)
    numbers = opinion.numbers if opinion else None
    if numbers is None:
        return case.finding("re_rating", None, True)
    difference = numbers[0] - min(numbers[1])
    margin = case.context.margin
    passed = margin is None or difference >= -margin
    detail = "" if passed else f"a second rater puts it {-difference:.2f} below its worse parent"
    return case.finding("re_rating", difference, passed, detail)


class Check(NamedTuple):
    """`remedy` is what to do where many samples fail."""

    run: Callable[[Case], Finding]
    remedy: str


CHECKS: dict[str, Check] = {
    "toxicity": Check(toxicity, "take another llm.model"),
    "pii": Check(pii, "remove personal data from the pool, or take another llm.model"),
    "language": Check(language, "take an llm.model that writes the pool's languages"),
    "contamination": Check(contamination, "remove rows that hold evaluation items from the pool"),
    "near_duplicate_of_parent": Check(near_duplicate_of_parent, "raise loss.copies_parent, or take another llm.model"),
    "near_duplicate": Check(near_duplicate, "raise mix.temperature, or take another llm.model"),
    "re_rating": Check(re_rating, "take another llm.model, or another mix.rater"),
}

"""Is the sample anything else than its parent again?"""

from __future__ import annotations

from entp.audit.checks.case import Case
from entp.audit.features import SHINGLE_WORDS, Features
from entp.audit.sample import Finding
from entp.purge.duplicates.shingles import Shingles
from entp.purge.duplicates.similarity import jaccard

#: Shorter answers ("Paris", "3.14 metres") are alike by chance; in shingles.
MIN_RESPONSE = 5
#: Shingles that differ where one word does. Prompts over the same long passage differ in more, and are two.
ONE_PLACE = 2 * SHINGLE_WORDS


def near_duplicate_of_parent(case: Case) -> Finding:
    """The highest Jaccard similarity of word shingles with a parent: of the prompts, the responses, or both as one."""
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

"""Samples to audit, made in one line."""

from __future__ import annotations

from typing import Any

from entp.audit.audit import audit
from entp.audit.sample import Finding, NewSample
from entp.config import AuditConfig
from entp.contamination.index import build_index
from entp.contamination.items import Item
from entp.conversation import Message

CONFIG = AuditConfig()
ITEM = "Why does the full moon look so much larger near the horizon than high up in the winter sky?"
INDEX = build_index([Item("moon.jsonl", 7, (ITEM, "Who wrote the play?"))], CONFIG.contamination_words)

FRUITS = ("Name three citrus fruits that hold many vitamins.", "Oranges, lemons and limes hold many vitamins.")
BEACH = ("Describe a sandy beach at sunset.", "The sand glows red while the waves come in and the gulls fly home.")
PICNIC = (
    "Which citrus fruits with vitamins would you take to a sandy beach at sunset, and how does it look there?",
    "I would take oranges and limes, and eat them on the sand while it glows red in the last light of the day.",
)
TOWNS = [
    "Lima",
    "Oslo",
    "Rome",
    "Bonn",
    "Graz",
    "Kyiv",
    "Lyon",
    "Nice",
    "Pisa",
    "Riga",
    "Split",
    "Turin",
    "Ulm",
    "Vigo",
]
CRAFTS = ["bakers", "weavers", "miners", "potters", "singers", "pilots", "sailors", "tailors", "farmers", "masons"]


def conversation(prompt: str, response: str) -> list[Message]:
    return [Message(role="user", content=prompt), Message(role="assistant", content=response)]


def sample(
    prompt: str = PICNIC[0],
    response: str = PICNIC[1],
    parents: tuple[tuple[str, str], ...] = (FRUITS, BEACH),
    pair_id: str = "p",
    languages: frozenset[str] = frozenset(["en"]),
) -> NewSample:
    return NewSample(pair_id, conversation(prompt, response), [conversation(*parent) for parent in parents], languages)


def varied(number: int) -> NewSample:
    """A sample unlike its parents and unlike every other number's."""
    town, craft = TOWNS[number % len(TOWNS)], CRAFTS[number % len(CRAFTS)]
    told = f"In {town} {number} {craft} met, so house {number * 7} had {number + 3} guests from street {number * 11}."
    asked = f"What did the {number} {craft} of {town} do in house {number * 7}, and who came from street {number * 11}?"
    return sample(
        asked,
        told,
        ((f"Who lives in {town}?", f"Many {craft} live in {town}."), (f"Count {craft}.", f"They are {number}.")),
        f"p{number:03d}",
    )


def found(one: NewSample, check: str, **known: Any) -> Finding:
    """What one check says of one sample."""
    findings = audit([one], INDEX, CONFIG, **known).findings
    return next(finding for finding in findings if finding.check == check)

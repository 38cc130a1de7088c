"""Multiple choice: options are written out in the prompt; an answer by index or letter becomes its option's text."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any

from entp.ingest.reasons import RowError
from entp.ingest.shapes.fields import Fields, first_present, is_filled, text_of
from entp.ingest.shapes.tools import parsed

OPTIONS = ("choices", "options")
#: "B", "(b)", "B.", "b)"
LETTER = re.compile(r"\(?([A-Za-z]|\d{1,2})[.):]?")


def options_of(fields: Fields) -> dict[str, str]:
    """The row's options by label (A, B, ... where it gives none); empty where it has none. Raises RowError."""
    if fields.keys().isdisjoint(OPTIONS) or not any(is_filled(fields.get(name)) for name in OPTIONS):
        return {}
    given = parsed(first_present(fields, OPTIONS, ""))
    if isinstance(given, Mapping) and isinstance(given.get("text"), list) and isinstance(given.get("label"), list):
        labels, texts = given["label"], given["text"]
    elif isinstance(given, Mapping):
        labels, texts = list(given), list(given.values())
    elif isinstance(given, list) and len(given) <= len(string.ascii_uppercase):
        labels, texts = list(string.ascii_uppercase[: len(given)]), given
    else:
        raise RowError("unreadable_choices")
    if len(labels) != len(texts) or len({text_of(label) for label in labels}) != len(labels):
        raise RowError("unreadable_choices")
    return {text_of(label): text_of(text) for label, text in zip(labels, texts, strict=True)}


def with_options(question: str, options: Mapping[str, str]) -> str:
    """The question with its options under it, unless it writes them out itself."""
    if not options or all(text in question for text in options.values()):
        return question
    return f"{question}\n\n" + "\n".join(f"{label}. {text}" for label, text in options.items())


def chosen_text(answer: Any, options: Mapping[str, str]) -> str:
    """The answer as text: the option that an index (from 0) or a letter stands for, else what it says.

    Raises RowError where it stands for none, or could stand for two.
    """
    if not options:
        return text_of(answer)
    places = list(options)
    if isinstance(answer, int) and not isinstance(answer, bool):
        if str(answer) in options:
            return _shown(str(answer), options)
        if not 0 <= answer < len(places):
            raise RowError("unreadable_choices")
        return _shown(places[answer], options)
    text = text_of(answer)
    for label, option in options.items():
        if text.strip() == option.strip():
            return _shown(label, options)
    letter = LETTER.fullmatch(text.strip())
    if letter is None:
        return text
    by_case = {label.upper(): label for label in options}
    # A digit that is no label may count from 0 or from 1.
    if letter[1].upper() not in by_case:
        raise RowError("unreadable_choices")
    return _shown(by_case[letter[1].upper()], options)


def _shown(label: str, options: Mapping[str, str]) -> str:
    return f"{label}. {options[label]}"

"""Shapes: a row becomes messages. One module per row format; the first that fits what a row has filled reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from entp.ingest.shapes.alpaca import ALPACA
from entp.ingest.shapes.conversation import MESSAGES, SHAREGPT
from entp.ingest.shapes.fields import Fields, Shape, is_filled
from entp.ingest.shapes.prompt_completion import PROMPT_COMPLETION
from entp.ingest.shapes.question_answer import QUESTION_ANSWER

__all__ = ["SHAPES", "Shape", "shape_of", "usual_shape"]

SHAPES = (MESSAGES, SHAREGPT, ALPACA, PROMPT_COMPLETION, QUESTION_ANSWER)
#: All fields that a shape may be told by.
DECISIVE = frozenset().union(*(shape.content for shape in SHAPES))


def shape_of(fields: Fields, format_name: str = "auto") -> Shape | None:
    """The first shape that fits the fields that are filled, else those that are there.

    `format_name` other than "auto" allows only that shape.
    """
    allowed = SHAPES if format_name == "auto" else [shape for shape in SHAPES if shape.name == format_name]
    filled = {name: fields[name] for name in fields.keys() & DECISIVE if is_filled(fields[name])}
    for given in (filled, fields):
        for shape in allowed:
            if shape.fits(given):
                return shape
    return None


def usual_shape(rows: Iterable[Fields], format_name: str = "auto") -> Shape | None:
    """The shape that fits most of these rows, None where none fits any."""
    found = Counter(shape for fields in rows if (shape := shape_of(fields, format_name)) is not None)
    return found.most_common(1)[0][0] if found else None

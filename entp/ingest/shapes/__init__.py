"""Shapes: a row becomes messages. One module per row format; the first shape that fits a row's columns reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from functools import lru_cache

from entp.ingest.shapes.alpaca import ALPACA
from entp.ingest.shapes.conversation import MESSAGES, SHAREGPT
from entp.ingest.shapes.fields import Shape
from entp.ingest.shapes.prompt_completion import PROMPT_COMPLETION
from entp.ingest.shapes.question_answer import QUESTION_ANSWER

__all__ = ["SHAPES", "Shape", "shape_of", "usual_shape"]

SHAPES = (MESSAGES, SHAREGPT, ALPACA, PROMPT_COMPLETION, QUESTION_ANSWER)


def shape_of(columns: Collection[str], format_name: str = "auto") -> Shape | None:
    """The first shape that fits these columns; `format_name` other than "auto" allows only that shape."""
    return _shape_of(frozenset(columns), format_name)


def usual_shape(rows: Iterable[Collection[str]], format_name: str = "auto") -> Shape | None:
    """The shape that fits most of these rows, None where none fits any."""
    found = Counter(shape for columns in rows if (shape := shape_of(columns, format_name)) is not None)
    return found.most_common(1)[0][0] if found else None


@lru_cache(maxsize=4096)
def _shape_of(columns: frozenset[str], format_name: str) -> Shape | None:
    allowed = (shape for shape in SHAPES if format_name in ("auto", shape.name))
    return next((shape for shape in allowed if shape.fits(columns)), None)

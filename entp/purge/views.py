"""The columns that rules measure: prompt, response, and the languages of both."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from entp.purge.text import HAN, is_chinese, letters
from entp.records import with_text
from entp.text.language import UNKNOWN, detect_language

#: The detector is believed from this probability on, and on texts with this many letters (our choice: on shorter
#: ones, lists of names and formulas pass for any language).
MIN_PROBABILITY = 0.7
MIN_LETTERS = 40
#: Code fences, addresses, rows of tables and diagrams, and short list items: names in them pass for any language.
_NOT_PROSE = (
    r"(?s:```.*?(?:```|$))|https?://\S+|\S+@\S+|(?m:^.*[|\u{2500}-\u{257f}].*$)"
    r"|(?m:^[ \t]*(?:[-*•]|\d{1,2}[.)])[^\n]{0,60}$)"
)
#: Frequent English words, and those that instructions begin with, that are rare in other languages.
_ENGLISH_WORDS = (
    r"(?i)\b(?:the|of|and|that|with|this|these|are|was|from|you|your|have|which|what|how|who|why|be|it|its|for|his|her"
    r"|their|they|by|as|an|write|generate|create|describe|explain|given|give|list|following|name|find|identify|classify"
    r"|provide|make|rewrite|sentence|convert|edit|construct|design|suggest|about|between|into|each|would|should)\b"
)
#: Share of such words from which a text is English without asking the detector (which is a hundred times slower).
_ENGLISH_SHARE = 0.15


def with_views(samples: pl.DataFrame, allowed_languages: Sequence[str]) -> pl.DataFrame:
    """`id`, `source` and the columns of `entp.purge.rule.MEASURED_COLUMNS`."""
    return with_text(samples).select(
        "id",
        "source",
        "prompt",
        "response",
        prompt_language=language_of(pl.col("prompt")),
        response_language=language_of(pl.col("response")),
        allowed_languages=pl.lit(list(allowed_languages), dtype=pl.List(pl.String)),
    )


def language_of(text: pl.Expr) -> pl.Expr:
    """ISO 639-1 code, or "und" where there is too little prose, a mixture, or the detector is unsure."""
    prose = text.str.replace_all(_NOT_PROSE, " ")
    han = text.str.count_matches(HAN)
    chinese = is_chinese(text) & (han >= MIN_LETTERS // 4)
    mixed = ~chinese & (han >= 3) & ~text.str.contains(r"[\p{Hiragana}\p{Katakana}\p{Hangul}]")
    too_short = letters(prose) < MIN_LETTERS
    english = _is_plainly_english(prose)
    asked = pl.when(~chinese & ~mixed & ~too_short & ~english).then(prose)
    detected = asked.map_batches(_detect, return_dtype=pl.String)
    # What is taken for English but has none of its frequent words is a list of names.
    names = (detected == "en") & ~prose.str.contains(_ENGLISH_WORDS)
    return (
        pl.when(chinese)
        .then(pl.lit("zh"))
        .when(mixed | too_short | names)
        .then(pl.lit(UNKNOWN))
        .when(english)
        .then(pl.lit("en"))
        .otherwise(detected)
    )


def _is_plainly_english(text: pl.Expr) -> pl.Expr:
    hits = text.str.count_matches(_ENGLISH_WORDS)
    latin = text.str.count_matches("[A-Za-z]") >= 0.95 * letters(text)
    return latin & (hits >= 3) & (hits >= _ENGLISH_SHARE * text.str.count_matches(r"\S+"))


def _detect(texts: pl.Series) -> pl.Series:
    return pl.Series(texts.name, [_code(text) for text in texts], dtype=pl.String)


def _code(text: str | None) -> str:
    if text is None:
        return UNKNOWN
    code, probability = detect_language(text)
    return code if probability >= MIN_PROBABILITY else UNKNOWN

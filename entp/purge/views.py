"""The columns that rules measure: prompt, response, the languages of both, and what many rules ask of the response.

`formal`: it is, or was asked to be, something other than prose; `chinese`: it is mostly Chinese; `may_repeat`: it is
formal, or its right form repeats itself; `response_words` and `response_letters`: its words as hashes, its letters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from entp.purge.repeats import hashed_words
from entp.purge.text import HAN, ascii_edges, asks_for_repetition, is_chinese, is_formal, letters
from entp.text.language import UNKNOWN, detect_language
from entp.text.tokens import Tokens

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
    r"|provide|make|rewrite|sentence|convert|edit|construct|design|suggest|about|between|into|each|would|should|could|can"
    r"|will|has|had|been|does|did|not|to|is|if|or|when|where|there|then|than|some|more|because|she|we|my|our|only)\b"
)
_ENGLISH_WORD = re.compile(_ENGLISH_WORDS)
#: One such word in so many characters makes a text English without asking the detector (a hundred times slower).
_ENGLISH_EVERY = 40
#: Share of characters that may be letters beyond A to Z in such a text.
_OTHER_LETTERS = 0.04


def with_views(texts: pl.DataFrame, responses: Tokens, allowed_languages: Sequence[str]) -> pl.LazyFrame:
    """`id`, `turn`, `source` and `entp.purge.rule.MEASURED_COLUMNS`, computed as far as they are asked for.

    `texts` has the columns of `answers`; `responses` are the tokens of its responses in lower case.
    """
    return (
        texts.select("id", "turn", "source", "prompt", "response", hashed_words(responses).alias("response_words"))
        .lazy()
        .with_columns(
            prompt_prose=_prose("prompt"),
            response_prose=_prose("response"),
            response_letters=letters(pl.col("response")),
            formal=is_formal(pl.col("prompt"), pl.col("response")),
            chinese=is_chinese(pl.col("response")),
        )
        .with_columns(
            prompt_settled=_settled("prompt"),
            response_settled=_settled("response"),
            may_repeat=pl.col("formal") | asks_for_repetition(pl.col("prompt")),
        )
        .select(
            "id",
            "turn",
            "source",
            "prompt",
            "response",
            "response_words",
            "response_letters",
            "formal",
            "chinese",
            "may_repeat",
            prompt_language=_language("prompt"),
            response_language=_language("response"),
            allowed_languages=pl.lit(list(allowed_languages), dtype=pl.List(pl.String)),
        )
    )


def _prose(column: str) -> pl.Expr:
    return pl.col(column).str.replace_all(_NOT_PROSE, " ")


def _settled(column: str) -> pl.Expr:
    """The text's language where signs decide: "und" where there is too little prose, or a mixture."""
    text, prose = pl.col(column), pl.col(f"{column}_prose")
    han = text.str.count_matches(HAN)
    chinese = is_chinese(text) & (han >= MIN_LETTERS // 4)
    suspect = pl.when(han >= 3).then(text)
    mixed = ~suspect.str.contains(r"[\p{Hiragana}\p{Katakana}\p{Hangul}]")
    # In a longer text the letters are counted only where the detector has to be asked.
    too_short = letters(pl.when(prose.str.len_chars() < 4 * MIN_LETTERS).then(prose)) < MIN_LETTERS
    return (
        pl.when(chinese)
        .then(pl.lit("zh"))
        .when(mixed | too_short.fill_null(value=False))
        .then(pl.lit(UNKNOWN))
        .when(_is_plainly_english(prose))
        .then(pl.lit("en"))
    )


def _language(column: str) -> pl.Expr:
    """ISO 639-1 code, or "und" where it cannot be told. The detector costs most by far: it is asked last."""
    settled = pl.col(f"{column}_settled")
    asked = pl.when(settled.is_null()).then(pl.col(f"{column}_prose"))
    return pl.coalesce(settled, asked.map_batches(_detect, return_dtype=pl.String))


def _is_plainly_english(text: pl.Expr) -> pl.Expr:
    hits = text.str.count_matches(ascii_edges(_ENGLISH_WORDS))
    latin = text.str.count_matches(r"[\p{L}--A-Za-z]") <= _OTHER_LETTERS * text.str.len_chars()
    return latin & (hits >= 3) & (hits * _ENGLISH_EVERY >= text.str.len_chars())


def _detect(texts: pl.Series) -> pl.Series:
    return pl.Series(texts.name, [_code(text) for text in texts], dtype=pl.String)


def _code(text: str | None) -> str:
    if text is None or sum(map(str.isalpha, text[: 50 * MIN_LETTERS])) < MIN_LETTERS:
        return UNKNOWN
    code, probability = detect_language(text)
    # What is taken for English but has none of its frequent words is a list of names.
    names = code == "en" and not _ENGLISH_WORD.search(text)
    return UNKNOWN if names or probability < MIN_PROBABILITY else code

"""Characters: damage done to a text by encodings, exports and scrapers. What can be undone is undone."""

from __future__ import annotations

import ftfy
import polars as pl

from entp.purge.rule import Upper, rule
from entp.purge.text import ascii_edges, looks_like_code, share, where

#: Markup left by an export, in texts that are otherwise not markup.
_ENTITIES = {
    "&quot;": '"',
    "&#34;": '"',
    "&apos;": "'",
    "&#39;": "'",
    "&#x27;": "'",
    "&nbsp;": " ",
    "&#160;": " ",
    "&ldquo;": "“",
    "&rdquo;": "”",
    "&lsquo;": "‘",
    "&rsquo;": "’",
    "&hellip;": "…",
    "&mdash;": "—",
    "&ndash;": "–",
    "&lt;": "<",
    "&gt;": ">",
    # Last, so that a doubly escaped entity loses one layer per round.
    "&amp;": "&",
}
#: Requests whose right answer is drawn or spelled with signs.
_DRAWING_REQUEST = ascii_edges(
    r"(?i)\b(?:draw|art|design|diagram|chart|graph|map|grid|board|puzzle|sudoku|maze|symbol|password|music|note)"
)
_NUMBER_REQUEST = ascii_edges(
    r"(?i)\d|\b(?:numbers?|digits?|prime|fibonacci|sequence|calculate|compute|sum|convert|code|phone|dates?|years?"
    r"|table|data|statistics|how (?:many|much)|decimal|binary|pi)\b|数|计算|多少"
)
#: Wrongly decoded UTF-8 always holds a character of these two blocks followed by another non-ASCII one.
_TWICE_DECODED = r"[\u{80}-\u{ff}\u{400}-\u{4ff}][^\x00-\x7f]"
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\u{9f}\u{feff}\u{fffe}\u{ffff}]"
_INVISIBLE = r"[\u{200b}\u{2060}\u{ad}\u{202a}-\u{202e}\u{2066}-\u{2069}]"
_ABOUT_MARKUP = r"(?i)html|xml|entit|escap|encod|url|regex|markup"


@rule(reason="mojibake", scope="every turn", action="repair", trigger=_TWICE_DECODED, source="ftfy (fix_encoding)")
def mojibake(text: pl.Expr) -> pl.Expr:
    """Text that was decoded with the wrong encoding is decoded again.

    Trips:  "It â€™s a cafÃ©" -> "It ’s a café"
    Passes: "naïve Ärger in São Paulo, “quoted” – Привет, 你好"
    """
    fixed = pl.when(text.str.contains(_TWICE_DECODED)).then(text).map_batches(_fix_encoding, return_dtype=pl.String)
    return pl.coalesce(fixed, text)


@rule(
    reason="control_characters",
    scope="every turn",
    action="repair",
    trigger=rf"\r|{_CONTROL}",
    source="docs/method.md, stage 2: characters",
)
def control_characters(text: pl.Expr) -> pl.Expr:
    r"""Control characters, byte-order marks and non-characters are removed; carriage returns become line feeds.

    Joiners and direction marks stay: scripts of Asia and emoji need them.

    Trips:  "one\x00\x08 two\r\nthree\ufeff" -> "one two\nthree"
    Passes: "tab\there, नमस्ते क्‍ष, 👩‍👩‍👧, سلام"
    """
    return text.str.replace_all(r"\r\n?", "\n").str.replace_all(_CONTROL, "")


@rule(
    reason="invisible_characters",
    scope="every turn",
    action="repair",
    trigger=_INVISIBLE,
    source="docs/method.md, stage 2: characters; our choice",
)
def invisible_characters(text: pl.Expr) -> pl.Expr:
    r"""Zero-width spaces, word joiners, soft hyphens and direction marks are removed where no script needs them.

    Thai, Lao, Khmer and Burmese part words by zero-width spaces; Arabic and Hebrew need directions.

    Trips:  "one\u200b two\u00ad\u2060 \u202athree\u202c" -> "one two three"
    Passes: "ภาษา\u200bไทย, \u2067שלום\u2069, 👩\u200d👧"
    """
    needed = text.str.contains(r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Arabic}\p{Hebrew}\p{Syriac}]")
    return pl.when(needed).then(text).otherwise(text.str.replace_all(_INVISIBLE, ""))


@rule(
    reason="stray_escapes",
    scope="every turn",
    action="repair",
    trigger=r"\\n",
    source="DATA4LLM text-anomaly table (extra escapes)",
)
def stray_escapes(text: pl.Expr) -> pl.Expr:
    r"""Escapes written out in a text that has no real line break (`\n`, `\t`, `\"`) become what they stand for.

    There has to be a `\n` before a sentence or list item. Code, formulas and paths keep their backslashes.

    Trips:  "First.\\nSecond, \\\"quoted\\\"." -> "First.\nSecond, \"quoted\"."
    Passes: "print('a\\n')"
    Passes: "Open C:\\new\\table.txt"
    """
    escaped = (
        text.str.contains(r"\S\\n\s*[\p{Lu}\p{Han}\d•*-]")
        & ~text.str.contains(ascii_edges(r"\n|\b[A-Za-z]:\\"))
        & ~looks_like_code(text)
    )
    other_backslash = text.str.contains(ascii_edges(r'\\[^nt"]|\\n[a-z]{2,}\b|\\$'))
    mended = text.str.replace_all(r"\\n", "\n").str.replace_all(r"\\t", "\t").str.replace_all(r'\\"', '"')
    return pl.when(escaped & ~other_backslash).then(mended).otherwise(text)


@rule(
    reason="html_entities",
    scope="every turn",
    action="repair",
    trigger="&",
    source="docs/method.md, stage 2: characters (stray escapes)",
)
def html_entities(text: pl.Expr) -> pl.Expr:
    """Character entities in a text that is neither markup nor about it become characters.

    Trips:  "Tom &amp; Jerry&#39;s" -> "Tom & Jerry's"
    Passes: "<p>Tom &amp; Jerry</p>"
    Passes: "In HTML, write &amp; for an ampersand."
    """
    has_entity = text.str.contains(r"&(?:#\d{2,4}|#x[0-9a-fA-F]{2,4}|[a-z]{2,6});")
    mended = text
    for entity, character in _ENTITIES.items():
        mended = mended.str.replace_all(entity, character, literal=True)
    applies = has_entity & ~looks_like_code(text) & ~text.str.contains(_ABOUT_MARKUP)
    return pl.when(applies).then(mended).otherwise(text)


@rule(
    reason="blank_line_runs",
    scope="every turn",
    action="repair",
    trigger=r"\n[ \t]*\n[ \t]*\n",
    source="docs/method.md, stage 2: repairs; our choice of two",
)
def blank_line_runs(text: pl.Expr) -> pl.Expr:
    r"""More than two blank lines in a row become one, outside code.

    Trips:  "One.\n\n\n\n\nTwo." -> "One.\n\nTwo."
    Passes: "One.\n\n\nTwo."
    """
    return pl.when(looks_like_code(text)).then(text).otherwise(text.str.replace_all(r"\n(?:[ \t]*\n){3,}", "\n\n"))


@rule(
    reason="symbol_heavy",
    scope=("prompt", "response", "formal"),
    prior=Upper(0.30),
    action="drop",
    source="Gopher (MassiveText), appendix A1.1, adapted",
)
def symbol_heavy(prompt: pl.Expr, response: pl.Expr, formal: pl.Expr) -> pl.Expr:
    """Share of characters that are neither text nor its usual marks, brackets and signs (0..1), from 20 characters on.

    Trips:  ("Describe a tree.", "### @@@ ### ~~~ ^^^ tree %%% ^^^ ###")
    Passes: ("Write a function.", "def area(r): return (((3.14 * r)) ** 2) * {}[()]")
    Passes: ("Group these letters.", "[[a, b], [c, d], [e, f]] = (1 + 2) / 3")
    """
    symbols = response.str.count_matches(r"[^\p{L}\p{M}\p{N}\p{Emoji_Presentation}\s\p{P}+=<>|/×÷−]|[#@%&\\*]")
    drawn = prompt.str.contains(_DRAWING_REQUEST)
    counts = (response.str.len_chars() >= 20) & ~drawn & ~formal
    return where(counts, share(symbols, response.str.len_chars()))


@rule(
    reason="digit_heavy",
    scope=("prompt", "response", "formal", "response_letters"),
    prior=Upper(0.5),
    action="flag",
    source="docs/method.md, stage 2: characters (digit ratio)",
)
def digit_heavy(prompt: pl.Expr, response: pl.Expr, formal: pl.Expr, letters: pl.Expr) -> pl.Expr:
    """Share of digits among letters and digits (0..1), from 40 characters on, where no number was asked for.

    Trips:  ("Describe your town.", "88213 44120 99172 00123 55512 town 99182 77123 11294")
    Passes: ("List the first ten primes.", "2, 3, 5, 7, 11, 13, 17, 19, 23, 29 are the first ten of them.")
    """
    digits = response.str.count_matches(r"\p{N}")
    asked = prompt.str.contains(_NUMBER_REQUEST)
    counts = (response.str.len_chars() >= 40) & ~asked & ~formal
    return where(counts, share(digits, digits + letters))


@rule(
    reason="encoding_ruins",
    scope="response",
    prior=Upper(0),
    action="drop",
    source="DATA4LLM text-anomaly table (garbled characters)",
)
def encoding_ruins(text: pl.Expr) -> pl.Expr:
    """Places where text was lost by two wrong decodings in a row: what they replaced cannot be repaired.

    Trips:  "你好锟斤拷世界"
    Trips:  "烫烫烫烫烫"
    Passes: "汤很烫，烫手。"
    """
    return text.str.count_matches(r"锟斤拷|(?:烫){4,}|(?:屯){4,}|ï¿½")


@rule(
    reason="replacement_characters",
    scope="response",
    prior=Upper(0),
    action="drop",
    source="docs/method.md, stage 2: characters (non-printable)",
)
def replacement_characters(text: pl.Expr) -> pl.Expr:
    """Characters that stand for lost ones: U+FFFD and private use. What they replaced cannot be repaired.

    Trips:  "The caf\ufffd is open."
    Passes: "The café is open. ☕ 👍🏽 ①"
    """
    return text.str.count_matches(r"[\u{fffd}\u{e000}-\u{f8ff}]")


@rule(
    reason="mixed_scripts",
    scope="response",
    prior=Upper(0),
    action="flag",
    source="docs/method.md, stage 2: characters (mixed scripts)",
)
def mixed_scripts(text: pl.Expr) -> pl.Expr:
    """Places where a word changes between Latin and Cyrillic letters, as look-alikes and bad scans do.

    Trips:  "The pаssword"
    Passes: "The Russian word for peace is мир; β-blockers and Δx are Greek."
    """
    return text.str.count_matches(r"\p{Latin}\p{Cyrillic}|\p{Cyrillic}\p{Latin}")


def _fix_encoding(texts: pl.Series) -> pl.Series:
    fixed = [None if text is None else ftfy.fix_encoding(text) for text in texts]
    return pl.Series(texts.name, fixed, dtype=pl.String)

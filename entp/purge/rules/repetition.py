"""Repetition: a response that says the same thing over and over (MassiveText's measures, adapted to short texts)."""

from __future__ import annotations

import polars as pl

from entp.purge.rule import Upper, rule
from entp.purge.text import filled_lines, is_formal, letters, looks_like_code, share, where, words

#: Requests whose right answer repeats itself.
_REPETITION_REQUEST = (
    r"(?i)\b(?:repeat|repetiti|times|song|carol|lyric|melod|music|beat|rhythm|rap\b|poem|chorus|rhyme|haiku|sonnet|verse"
    r"|chant|tongue twister|mantra|simulat|random|pattern|sequence|classif|categori|label|each of|for each|sort|table"
    r"|schedule|survey|questionnaire|quiz|joke|merge|synonym|replace|workout|routine)"
    r"|重复|诗|歌|遍|分类|表格|绕口令|问卷|测验"
)
#: Large odd numbers, so that the order of the words counts.
_WEIGHTS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5)
_LIST_MARK = r"^(?:\(?\d{1,3}[.):、]|[-*•])\s*"


@rule(
    reason="repeated_lines",
    scope=("prompt", "response"),
    prior=Upper(0.30),
    action="drop",
    source="Gopher (MassiveText), table A1: duplicate line fraction 0.30",
)
def repeated_lines(prompt: pl.Expr, response: pl.Expr) -> pl.Expr:
    """Share of lines that say what an earlier line said; list numbers and lines under 20 characters do not count.

    Trips:  ("Give tips.", "1. Drink a lot of cold tea.\\n2. Drink a lot of cold tea.\\n3. Drink a lot of cold tea.")
    Passes: ("Give tips.", "1. Drink plenty of water.\\n2. Sleep eight hours.\\n3. Walk every day.")
    Passes: ("Is each number even?", "Yes\\nYes\\nNo\\nYes")
    """
    item = pl.element().str.replace(_LIST_MARK, "")
    lines = filled_lines(response).list.eval(item.filter(item.str.len_chars() >= 20))
    repeats = lines.list.len() - lines.list.n_unique()
    counts = (lines.list.len() >= 3) & ~_is_repetitive_by_nature(prompt, response)
    return where(counts, share(repeats, lines.list.len()))


@rule(
    reason="repeated_ngrams",
    scope=("prompt", "response"),
    prior=Upper(0.50),
    action="drop",
    source="Gopher (MassiveText), table A1, adapted: one n; on real rows under 0.5 more were right than wrong",
)
def repeated_ngrams(prompt: pl.Expr, response: pl.Expr) -> pl.Expr:
    """Share of 5-word sequences that occurred before (0..1), in responses of 30 words and more.

    Trips:  ("Describe tea.", "Tea is a very nice drink. Tea is a very nice drink. Tea is a very nice drink. Tea is a very nice drink. Tea is a very nice drink. Tea is a very nice drink.")
    Passes: ("Describe tea.", "Tea is brewed from the leaves of a shrub that grows in the hills of Asia; it is drunk hot or cold, with milk or lemon, and its taste depends on soil, weather and the skill of those who dry it.")
    """  # noqa: E501
    # Five numbers mixed into one stand for five words: twice as fast as joining the words themselves.
    said = words(response)
    word = pl.element().hash()
    following = (word.shift(-offset) * pl.lit(weight, pl.UInt64) for offset, weight in enumerate(_WEIGHTS, start=1))
    sequences = said.list.eval(sum(following, start=word).head(pl.len() - 4))
    repeats = sequences.list.len() - sequences.list.n_unique()
    in_words = response.str.count_matches(r"\p{N}") < letters(response)
    counts = (said.list.len() >= 30) & in_words & ~_is_repetitive_by_nature(prompt, response)
    return where(counts, share(repeats, sequences.list.len()))


@rule(
    reason="repeated_words",
    scope=("prompt", "response"),
    prior=Upper(3),
    action="drop",
    source="METHOD repetition family; our choice",
)
def repeated_words(prompt: pl.Expr, response: pl.Expr) -> pl.Expr:
    """Times in a row that a word of two letters or more follows itself, at the worst place.

    Trips:  ("Describe tea.", "Tea is very very very very very good.")
    Passes: ("Describe tea.", "Tea is very, very good.")
    Passes: ("Laugh.", "哈哈哈哈哈哈")
    Passes: ("When does it open?", "8 AM, 9 AM, 10 AM, 11 AM, or 0 0 0 0 0")
    """
    word = pl.element()
    same = (word.eq(word.shift(1)) & word.str.contains(r"^\p{L}[\p{L}\p{M}'’]+$")).fill_null(False)
    # The longest run of "same" is the largest distance from a place where the word changes.
    run = same.cum_sum() - pl.when(~same).then(same.cum_sum()).forward_fill()
    longest = words(response).list.eval(run).list.max()
    return where(~_is_repetitive_by_nature(prompt, response), longest)


@rule(
    reason="repeated_punctuation",
    scope="response",
    prior=Upper(0.10),
    action="drop",
    source="METHOD repetition family; our choice",
)
def repeated_punctuation(text: pl.Expr) -> pl.Expr:
    """Share of characters that stand in runs of four and more of the same mark; leaders, rules and tables do not count.

    Trips:  "Great!!!!!!!!!!!!!!!! Thanks"
    Passes: "Wait... what?! Great!!!"
    Passes: "Name ........ Date ______ | --- | --- |"
    """
    runs = text.str.extract_all(r"!{4,}|\?{4,}|,{4,}|;{4,}|:{4,}|！{4,}|？{4,}|，{4,}|、{4,}")
    return where(~looks_like_code(text), share(runs.list.join("").str.len_chars(), text.str.len_chars()))


def _is_repetitive_by_nature(prompt: pl.Expr, response: pl.Expr) -> pl.Expr:
    return is_formal(prompt, response) | prompt.str.contains(_REPETITION_REQUEST)

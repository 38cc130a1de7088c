"""Repetition: a response that says the same thing over and over (MassiveText's measures, adapted to short texts)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from entp.purge.repeats import longest_run, repeated_lines_share, repeated_share, repeated_word_run, top_share
from entp.purge.rule import Upper, rule
from entp.purge.text import looks_like_code, share, where


@rule(
    reason="repeated_lines",
    scope=("response", "may_repeat"),
    prior=Upper(0.30),
    action="drop",
    source="Gopher (MassiveText), table A1: duplicate line fraction 0.30",
)
def repeated_lines(response: pl.Expr, may_repeat: pl.Expr) -> pl.Expr:
    """Share of lines that say what an earlier line said; list numbers and lines under 20 characters do not count.

    Trips:  ("Give tips.", "1. Drink a lot of cold tea.\\n2. Drink a lot of cold tea.\\n3. Drink a lot of cold tea.")
    Passes: ("Give tips.", "1. Drink plenty of water.\\n2. Sleep eight hours.\\n3. Walk every day.")
    Passes: ("Is each number even?", "Yes\\nYes\\nNo\\nYes")
    """
    several = pl.when(response.str.count_matches(r"[^\n]{20,}") >= 3).then(response)
    repeated = several.map_batches(_by_text(repeated_lines_share), return_dtype=pl.Float64)
    return where(~may_repeat, repeated)


@rule(
    reason="repeated_ngrams",
    scope=("response", "response_words", "response_letters", "may_repeat"),
    prior=Upper(0.50),
    action="drop",
    source="Gopher (MassiveText), table A1, adapted: one n; on real rows under 0.5 more were right than wrong",
)
def repeated_ngrams(response: pl.Expr, words: pl.Expr, letters: pl.Expr, may_repeat: pl.Expr) -> pl.Expr:
    """Share of 5-word sequences that occurred before (0..1), in responses of 30 words and more.

    Trips:  ("Describe tea.", "Tea is a very nice drink. Tea is a very nice drink. Tea is a very nice drink. Tea is a very nice drink. Tea is a very nice drink. Tea is a very nice drink.")
    Passes: ("Describe tea.", "Tea is brewed from the leaves of a shrub that grows in the hills of Asia; it is drunk hot or cold, with milk or lemon, and its taste depends on soil, weather and the skill of those who dry it.")
    """  # noqa: E501
    return _where_prose(response, words, letters, may_repeat, _by_words(words, repeated_share, 5))


@rule(
    reason="repeated_paragraphs",
    scope=("response", "may_repeat"),
    prior=Upper(0.30),
    action="drop",
    source="Gopher (MassiveText), table A1: duplicate paragraph fraction 0.30",
)
def repeated_paragraphs(response: pl.Expr, may_repeat: pl.Expr) -> pl.Expr:
    """Share of paragraphs, of 40 characters and more, that are the same as an earlier one.

    Trips:  ("Describe tea.", "Tea is a drink that comes from the hills of Asia.\\n\\nTea is a drink that comes from the hills of Asia.")
    Passes: ("Describe tea.", "Tea is a drink that comes from the hills of Asia.\\n\\nCoffee is a drink that comes from Africa's hills.")
    """  # noqa: E501
    paragraphs = pl.when(response.str.contains("\n", literal=True)).then(response).str.extract_all(r"[^\n]{40,}")
    repeats = paragraphs.list.len() - paragraphs.list.n_unique()
    return where(~may_repeat, share(repeats, paragraphs.list.len()))


@rule(
    reason="top_bigram",
    scope=("response", "response_words", "response_letters", "may_repeat"),
    prior=Upper(0.40),
    action="flag",
    source="Gopher (MassiveText), table A1: top 2-gram 0.20, by words and doubled: at 0.20 no row read was noise",
)
def top_bigram(response: pl.Expr, words: pl.Expr, letters: pl.Expr, may_repeat: pl.Expr) -> pl.Expr:
    """Share of the words that the commonest two-word sequence covers (0..1), in responses of 30 words and more.

    Trips:  ("Describe tea.", "Green tea, green tea, green tea is green tea, and green tea is what green tea drinkers call green tea when green tea is green tea and green tea is not black, in the end.")
    Passes: ("Describe tea.", "Tea is brewed from the leaves of a shrub that grows in the hills of Asia; it is drunk hot or cold, with milk or lemon, and its taste depends on soil, weather and the skill of those who dry it.")
    """  # noqa: E501
    return _where_prose(response, words, letters, may_repeat, _by_words(words, top_share, 2))


@rule(
    reason="top_trigram",
    scope=("response", "response_words", "response_letters", "may_repeat"),
    prior=Upper(0.36),
    action="flag",
    source="Gopher (MassiveText), table A1: top 3-gram 0.18, by words and doubled: at 0.18 no row read was noise",
)
def top_trigram(response: pl.Expr, words: pl.Expr, letters: pl.Expr, may_repeat: pl.Expr) -> pl.Expr:
    """Share of the words that the commonest three-word sequence covers (0..1), in responses of 30 words and more.

    Trips:  ("Describe tea.", "A cup of tea is nice. A cup of tea is warm. A cup of tea is good. A cup of tea is fine. A cup of tea is a cup of tea is it.")
    Passes: ("Describe tea.", "Tea is brewed from the leaves of a shrub that grows in the hills of Asia; it is drunk hot or cold, with milk or lemon, and its taste depends on soil, weather and the skill of those who dry it.")
    """  # noqa: E501
    return _where_prose(response, words, letters, may_repeat, _by_words(words, top_share, 3))


@rule(
    reason="top_fourgram",
    scope=("response", "response_words", "response_letters", "may_repeat"),
    prior=Upper(0.32),
    action="flag",
    source="Gopher (MassiveText), table A1: top 4-gram 0.16, by words and doubled: at 0.16 no row read was noise",
)
def top_fourgram(response: pl.Expr, words: pl.Expr, letters: pl.Expr, may_repeat: pl.Expr) -> pl.Expr:
    """Share of the words that the commonest four-word sequence covers (0..1), in responses of 30 words and more.

    Trips:  ("Describe tea.", "A cup of tea is nice. A cup of tea is warm. A cup of tea is good. A cup of tea is fine. A cup of tea is a cup of tea is it.")
    Passes: ("Describe tea.", "Tea is brewed from the leaves of a shrub that grows in the hills of Asia; it is drunk hot or cold, with milk or lemon, and its taste depends on soil, weather and the skill of those who dry it.")
    """  # noqa: E501
    return _where_prose(response, words, letters, may_repeat, _by_words(words, top_share, 4))


@rule(
    reason="repeated_words",
    scope=("response", "response_words", "may_repeat"),
    prior=Upper(3),
    action="drop",
    source="docs/method.md, stage 2: repetition; our choice",
)
def repeated_words(response: pl.Expr, words: pl.Expr, may_repeat: pl.Expr) -> pl.Expr:
    """Times in a row that a word of two letters or more follows itself, at the worst place; once does not count.

    Trips:  ("Describe tea.", "Tea is very very very very very good.")
    Passes: ("Describe tea.", "Tea is very, very good.")
    Passes: ("Laugh.", "哈哈哈哈哈哈")
    Passes: ("When does it open?", "8 AM, 9 AM, 10 AM, 11 AM, or 0 0 0 0 0")
    """
    longest = pl.struct(response, words).map_batches(_longest_word_run, return_dtype=pl.Int64)
    return where(~may_repeat, longest)


@rule(
    reason="repeated_punctuation",
    scope="response",
    prior=Upper(0.10),
    action="drop",
    source="docs/method.md, stage 2: repetition; our choice",
)
def repeated_punctuation(text: pl.Expr) -> pl.Expr:
    """Share of characters that stand in runs of four and more of the same mark; leaders, rules and tables do not count.

    Trips:  "Great!!!!!!!!!!!!!!!! Thanks"
    Passes: "Wait... what?! Great!!!"
    Passes: "Name ........ Date ______ | --- | --- |"
    """
    runs = text.str.extract_all(r"!{4,}|\?{4,}|,{4,}|;{4,}|:{4,}|！{4,}|？{4,}|，{4,}|、{4,}")
    return where(~looks_like_code(text), share(runs.list.join("").str.len_chars(), text.str.len_chars()))


def _where_prose(response: pl.Expr, words: pl.Expr, letters: pl.Expr, may_repeat: pl.Expr, value: pl.Expr) -> pl.Expr:
    """The value in responses of 30 words and more that are not numbers, nor asked to repeat themselves."""
    in_words = response.str.count_matches(r"\p{N}") < letters
    return where((words.list.len() >= 30) & in_words & ~may_repeat, value)


def _by_words(words: pl.Expr, measure: Callable[[pl.Series, int], pl.Series], length: int) -> pl.Expr:
    return words.map_batches(lambda lists: measure(lists, length), return_dtype=pl.Float64)


def _by_text(measure: Callable[[str], float]) -> Callable[[pl.Series], pl.Series]:
    """The measure of every text of a column that is there: for the few that a cheaper look leaves."""
    return lambda texts: pl.Series([None if text is None else measure(text) for text in texts], dtype=pl.Float64)


def _longest_word_run(columns: pl.Series) -> pl.Series:
    """Of texts and the hashes of their words. Most texts have no run worth a closer look."""
    texts, words = (columns.struct.field(name) for name in columns.struct.fields)
    longest = np.zeros(len(texts), dtype=np.int64)
    suspects = np.flatnonzero(longest_run(words) >= 2)
    longest[suspects] = [repeated_word_run(text) for text in texts.gather(suspects)]
    return pl.Series(longest)

"""Vocabulary that rules share: expressions over a text column. Equal expressions are computed once per batch."""

from __future__ import annotations

import polars as pl

HAN = r"\p{Han}"


def ascii_edges(pattern: str) -> str:
    r"""The pattern with its word edges (`\b`) told by ASCII letters alone.

    Unicode edges cost the search twenty times as much, and are not found between a Chinese character and a word.
    """
    return pattern.replace(r"\b", r"(?-u:\b)")


#: Signs of program text, markup or a formal notation: a fence, statement ends, tags, calls, queries.
_CODE = ascii_edges(
    r"(?m)```"
    r"|^\s*(?:def|class|import|from|function|public|private|static|const|let|var|int|void|package|using|elif|print)\b"
    r"[^.\n]*[(){}=;:*]"
    r"|^\s*(?:#include|<\?php|<!DOCTYPE|@\w+\b|//|/\*|\$ |>>> )"
    r"|[;{}]\s*$|</?[A-Za-z][\w-]*(?:\s[^<>\n]*)?/?>|=>|->|==|!=|&&|\|\||\w\(\)|\w+\.\w+\("
    r"|\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE)\b[^\n]*\b(?:FROM|VALUES|SET|WHERE|TABLE)\b"
    r"|\\(?:frac|begin|sum|int|sqrt|cdot|left|right|text)\b|\$[^$\n]+\$"
)
_CODE_REQUEST = ascii_edges(
    r"(?i)\b(?:code|script|program|function|python|java|javascript|html|css|sql|query|regex|regular expression|json"
    r"|xml|yaml|csv|latex|c\+\+|c#|bash|shell|command|algorithm|ascii|emoji|morse|braille|equation|formula)s?\b"
    r"|代码|程序|函数|脚本|编程|表情|公式|方程|正则"
)
_TABLE = r"(?m)^\s*\|.*\||\t.*\t|^\s*[-+|=\s]{8,}$"
#: Words that ask for a text in another language, or name one.
_TRANSLATION = ascii_edges(
    r"(?i)translat|\bin (?:the )?(?:[a-z]+ )?language\b|\blanguages?\b|interpret|transliterat|pinyin|romaji|haiku"
    r"|\b(?:english|french|spanish|german|italian|portuguese|russian|chinese|mandarin|cantonese|japanese|korean|arabic"
    r"|hindi|latin|greek|dutch|swedish|norwegian|danish|finnish|polish|czech|turkish|hebrew|vietnamese|thai"
    r"|indonesian|malay|bengali|urdu|persian|swahili|ukrainian|romanian|hungarian|catalan|icelandic|irish|welsh|tamil"
    r"|telugu|punjabi|marathi|gujarati|tagalog|filipino)\b"
    r"|翻译|译成|译为|译文|英译|汉译|中译|语言|英语|英文|法语|西班牙语|德语|日语|日文|韩语|俄语|意大利语|葡萄牙语|拉丁|中文|汉语|普通话|单词|词汇|拼音"
)
#: Requests whose right answer repeats itself.
_REPETITION_REQUEST = ascii_edges(
    r"(?i)\b(?:repeat|repetiti|times|song|carol|lyric|melod|music|beat|rhythm|rap\b|poem|chorus|rhyme|haiku|sonnet|verse"
    r"|chant|tongue twister|mantra|simulat|random|pattern|sequence|classif|categori|label|each of|for each|sort|table"
    r"|schedule|survey|questionnaire|quiz|joke|merge|synonym|replace|workout|routine)"
    r"|重复|诗|歌|遍|分类|表格|绕口令|问卷|测验"
)


def looks_like_code(text: pl.Expr) -> pl.Expr:
    """Whether the text holds program text, markup or formulas (generous: code is never to be taken for noise)."""
    return text.str.contains(_CODE)


def asks_for_code(prompt: pl.Expr) -> pl.Expr:
    """Whether the prompt asks for program text, symbols or another formal notation."""
    return prompt.str.contains(_CODE_REQUEST)


def is_formal(prompt: pl.Expr, response: pl.Expr) -> pl.Expr:
    """Whether the response is, or was asked to be, something other than prose: code, formulas, a table."""
    return looks_like_code(response) | asks_for_code(prompt) | response.str.contains(_TABLE)


def asks_for_repetition(prompt: pl.Expr) -> pl.Expr:
    """Whether the right answer repeats itself: a song, a table, a pattern."""
    return prompt.str.contains(_REPETITION_REQUEST)


def concerns_translation(prompt: pl.Expr) -> pl.Expr:
    """Whether the prompt names a language or asks for a translation."""
    return prompt.str.contains(_TRANSLATION)


def letters(text: pl.Expr) -> pl.Expr:
    """Number of letters, in any script."""
    return text.str.count_matches(r"\p{L}")


def is_chinese(text: pl.Expr) -> pl.Expr:
    """More Han characters than other letters, and no kana."""
    han = text.str.count_matches(HAN)
    suspect = pl.when(han >= 2).then(text)
    mostly = (han * 2 > letters(suspect)) & ~suspect.str.contains(r"[\p{Hiragana}\p{Katakana}]")
    return mostly.fill_null(value=False)


def filled_line_count(text: pl.Expr) -> pl.Expr:
    """Number of lines that hold something."""
    return text.str.count_matches(r"\S[^\n]*")


def share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """`part / whole`, 0 where there is nothing."""
    return part / whole.clip(1)


def where(condition: pl.Expr, value: pl.Expr) -> pl.Expr:
    """`value` where the condition holds, else 0."""
    return pl.when(condition).then(value.cast(pl.Float64)).otherwise(0.0)

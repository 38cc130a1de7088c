"""Chinese: the text-anomaly table of the DATA4LLM tutorial, as far as rules can decide it.

Texts that look like code, and texts that are not mostly Chinese, are left alone.
"""

from __future__ import annotations

import polars as pl

from entp.purge.rule import Upper, rule
from entp.purge.text import is_chinese, looks_like_code, where

_TABLE = "DATA4LLM text-anomaly table"
_LEADING_MARK = r"(?m)^[ \t]*[，。、；：！？]+[ \t]*(\p{Han})"
_EXTRA_SPACES = r"(\p{Han})[ \t]+([，。；！？、])[ \t]*"
_STOP_NUMBERING = r"(?m)^([ \t]*(?:\d{1,2}|[A-Za-z]))。[ \t]*(\S)"
_SINGLE_MARK_LINE = r"(\p{Han})[ \t]*\n[ \t]*([，。；！？])[ \t]*(\n|$)"
_EXTRA_HASH = r"(?m)^#{7,}[ \t]*"
_HALF_WIDTH_BRACKETS = r"(\p{Han})\((\p{Han}[^()（）\n]*)\)"
_HALF_WIDTH_MARK = r"\p{Han}[,;!?:] ?\p{Han}"
_MARK_RUN = "，，|、、|；；|：：|。。"
_FULL_WIDTH = {",": "，", ";": "；", "!": "！", "?": "？", ":": "："}


def _mend(text: pl.Expr, mended: pl.Expr) -> pl.Expr:
    return pl.when(is_chinese(text) & ~looks_like_code(text)).then(mended).otherwise(text)


@rule(
    reason="zh_leading_mark",
    scope="response",
    action="repair",
    trigger=_LEADING_MARK,
    source=f"{_TABLE} (sentence beginning with a comma)",
)
def zh_leading_mark(text: pl.Expr) -> pl.Expr:
    r"""A comma, stop or closing mark at the start of a line is removed.

    Trips:  "，这是一个例子。\n。第二句。" -> "这是一个例子。\n第二句。"
    Passes: "这是一个例子，很短。"
    """
    return _mend(text, text.str.replace_all(_LEADING_MARK, "$1"))


@rule(
    reason="zh_half_width_marks",
    scope="response",
    action="repair",
    trigger=_HALF_WIDTH_MARK,
    source=f"{_TABLE} (half-width marks in Chinese)",
)
def zh_half_width_marks(text: pl.Expr) -> pl.Expr:
    """A half-width mark between two Chinese characters becomes a full-width one.

    Trips:  "今天很冷,明天更冷." -> "今天很冷，明天更冷."
    Passes: "版本 2.0, 价格 3,000 元。"
    """
    mended = text
    for half, full in _FULL_WIDTH.items():
        mended = mended.str.replace_all(rf"(\p{{Han}})[{half}] ?(\p{{Han}})", f"${{1}}{full}${{2}}")
    return _mend(text, mended)


@rule(
    reason="zh_extra_spaces",
    scope="response",
    action="repair",
    trigger=_EXTRA_SPACES,
    source=f"{_TABLE} (extra spaces inside Chinese)",
)
def zh_extra_spaces(text: pl.Expr) -> pl.Expr:
    """Spaces around full-width marks inside a line of Chinese are removed.

    Spaces between words stay: lists, verses and word segmentation use them.

    Trips:  "今天很冷 ， 明天更冷。" -> "今天很冷，明天更冷。"
    Passes: "春 夏 秋 冬"
    """
    return _mend(text, text.str.replace_all(_EXTRA_SPACES, "$1$2"))


@rule(
    reason="zh_stop_numbering",
    scope="response",
    action="repair",
    trigger=_STOP_NUMBERING,
    source=f"{_TABLE} (numbering with a full stop)",
)
def zh_stop_numbering(text: pl.Expr) -> pl.Expr:
    r"""A list number or letter followed by a Chinese full stop gets a point.

    Trips:  "1。喝水\n2。睡觉" -> "1. 喝水\n2. 睡觉"
    Passes: "答案是 1。\n下一题。"
    """
    return _mend(text, text.str.replace_all(_STOP_NUMBERING, "${1}. ${2}"))


@rule(
    reason="zh_mark_runs",
    scope="response",
    action="repair",
    trigger=_MARK_RUN,
    source=f"{_TABLE} (runs of the same mark; full stops)",
)
def zh_mark_runs(text: pl.Expr) -> pl.Expr:
    """Runs of commas become one; three full stops and more become an ellipsis, two become one.

    Trips:  "我觉得，，不错。。" -> "我觉得，不错。"
    Trips:  "然后呢。。。。。。" -> "然后呢……"
    Passes: "真的吗？？！！……"
    """
    mended = text
    for mark in "，、；：":
        mended = mended.str.replace_all(f"{mark}{{2,}}", mark)
    return _mend(text, mended.str.replace_all("。{3,}", "……").str.replace_all("。。", "。"))


@rule(
    reason="zh_single_mark_lines",
    scope="response",
    action="repair",
    trigger=_SINGLE_MARK_LINE,
    source=f"{_TABLE} (single-mark lines)",
)
def zh_single_mark_lines(text: pl.Expr) -> pl.Expr:
    r"""Lines that hold one mark and nothing else are joined to the line before.

    Trips:  "今天很冷\n。\n明天更冷。" -> "今天很冷。\n明天更冷。"
    Passes: "今天很冷。\n明天更冷。"
    """
    return _mend(text, text.str.replace_all(_SINGLE_MARK_LINE, "$1$2$3"))


@rule(reason="zh_extra_hash", scope="response", action="repair", trigger=_EXTRA_HASH, source=f"{_TABLE} (extra #)")
def zh_extra_hash(text: pl.Expr) -> pl.Expr:
    r"""More than six # at the start of a line, which is no heading, and a # alone at its end, are removed.

    Trips:  "######## 第一章\n开始。" -> "第一章\n开始。"
    Passes: "## 第一章\n开始。#话题#"
    """
    return _mend(text, text.str.replace_all(_EXTRA_HASH, ""))


@rule(
    reason="zh_half_width_brackets",
    scope="response",
    action="repair",
    trigger=_HALF_WIDTH_BRACKETS,
    source=f"{_TABLE} (half-width brackets)",
)
def zh_half_width_brackets(text: pl.Expr) -> pl.Expr:
    """Half-width brackets around Chinese, after Chinese, become full-width ones.

    Trips:  "北京(中国的首都)很大。" -> "北京（中国的首都）很大。"
    Passes: "世界卫生组织(WHO)和 f(x)"
    """
    return _mend(text, text.str.replace_all(_HALF_WIDTH_BRACKETS, "${1}（${2}）"))


@rule(
    reason="zh_dangling_ending",
    scope=("response", "chinese"),
    prior=Upper(0),
    action="drop",
    source=f"{_TABLE} (dangling colon or left bracket at the end)",
)
def zh_dangling_ending(text: pl.Expr, chinese: pl.Expr) -> pl.Expr:
    r"""1 where a Chinese response stops at a colon, a comma or an opening bracket.

    Forms end with a colon on purpose, and letters with a closing formula on a line of its own.

    Trips:  "健康的生活方式包括以下几点："
    Passes: "姓名：\n电话：\n地址："
    Passes: "感谢您的来信，我会尽快回复。\n\n此致，"
    Passes: "健康的生活方式包括锻炼和睡眠。"
    """
    trimmed = text.str.strip_chars_end()
    sentence = trimmed.str.contains(r"[^\n]{12,}[，：]$")
    form = trimmed.str.count_matches(r"(?m)[：？?]$") > 1
    stops = trimmed.str.contains(r"\p{Han}[、（《“【]$") | (sentence & ~form)
    return where(stops & chinese, pl.lit(1))


@rule(
    reason="zh_one_character_lines",
    scope="response",
    prior=Upper(2),
    action="drop",
    source=f"{_TABLE} (one-character lines three times over)",
)
def zh_one_character_lines(text: pl.Expr) -> pl.Expr:
    r"""Lines of one Chinese character, where they are more than half of all: text broken by its layout.

    Trips:  "今\n天\n很\n冷"
    Passes: "今天很冷。\n明天更冷。"
    """
    lines = _filled_lines(text)
    single = lines.list.eval(pl.element().str.contains(r"^\p{Han}$")).list.sum()
    return where(single * 2 > lines.list.len(), single)


@rule(
    reason="zh_broken_numbering",
    scope=("response", "chinese"),
    prior=Upper(0),
    action="flag",
    source=f"{_TABLE} (broken numbering)",
)
def zh_broken_numbering(text: pl.Expr, chinese: pl.Expr) -> pl.Expr:
    r"""Steps in a Chinese numbered list that are neither to the next number nor back to 1.

    Trips:  "1. 喝水\n2. 睡觉\n4. 跑步"
    Passes: "1. 喝水\n2. 睡觉\n3. 跑步"
    """
    numbers = text.str.extract_all(r"(?m)^[ \t]*\d{1,2}[.、．]")
    number = pl.element().str.extract(r"(\d+)").cast(pl.Int64)
    step = number - number.shift(1)
    broken = numbers.list.eval((step != 1) & (number != 1)).list.sum()
    return where(chinese & ~looks_like_code(text), broken)


@rule(reason="zh_quote_depth", scope="response", prior=Upper(3), action="flag", source=f"{_TABLE} (quote depth > 3)")
def zh_quote_depth(text: pl.Expr) -> pl.Expr:
    """Opening quotation marks in a row with no closing one between them, at the worst place.

    Trips:  "他说“她说“你说“我说“好”。"
    Passes: "他说“好”，她说“不好”。"
    """
    marks = text.str.extract_all("[“”「」『』《》]")
    depth = pl.element().is_in(["“", "「", "『", "《"]).cast(pl.Int64).replace(0, -1).cum_sum()
    return marks.list.eval(depth).list.max()


@rule(
    reason="zh_unpaired_quotes",
    scope=("response", "chinese"),
    prior=Upper(0),
    action="flag",
    source=f"{_TABLE} (quotation marks without their partner)",
)
def zh_unpaired_quotes(text: pl.Expr, chinese: pl.Expr) -> pl.Expr:
    """Chinese quotation and title marks that are opened and not closed, or the reverse.

    Trips:  "他说《红楼梦是一部小说。"
    Passes: "他说《红楼梦》是“小说”。"
    """
    pairs = (("“", "”"), ("《", "》"), ("「", "」"), ("『", "』"))
    uneven = [
        (text.str.count_matches(left).cast(pl.Int64) - text.str.count_matches(right).cast(pl.Int64)).abs()
        for left, right in pairs
    ]
    return where(chinese, pl.sum_horizontal(uneven))


@rule(
    reason="zh_long_lines",
    scope="response",
    prior=Upper(300),
    action="flag",
    source=f"{_TABLE} (over-long lines); a limit of our choice",
)
def zh_long_lines(text: pl.Expr) -> pl.Expr:
    """Characters of the longest stretch of Chinese without a mark, space or line break.

    Trips:  "今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩今天天气很好我们一起去公园玩"
    Passes: "今天天气很好，我们一起去公园玩。"
    """  # noqa: E501
    return text.str.extract_all(r"\p{Han}{100,}").list.eval(pl.element().str.len_chars()).list.max()


@rule(
    reason="zh_mixed_scripts",
    scope=("response", "chinese"),
    prior=Upper(2),
    action="flag",
    source=f"{_TABLE} (simplified and traditional characters mixed)",
)
def zh_mixed_scripts(text: pl.Expr, chinese: pl.Expr) -> pl.Expr:
    """The rarer of common simplified and common traditional characters, counted: both in one text were pasted together.

    Trips:  "这个国家的历史很长。這個國家的歷史很長，經濟發展。"
    Passes: "这个国家的历史很长。"
    """
    simplified = text.str.count_matches("[这个国为来时会对们发学问题说开长东动经还进过现]")
    traditional = text.str.count_matches("[這個國為來時會對們發學問題說開長東動經還進過現]")
    return where(chinese, pl.min_horizontal(simplified, traditional))


def _filled_lines(text: pl.Expr) -> pl.Expr:
    """Lines that hold something, without surrounding space, as a list."""
    line = pl.element().str.strip_chars()
    return text.str.split("\n").list.eval(line.filter(line != ""))

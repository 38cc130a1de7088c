"""Structure: is the answer there, and is it whole?"""

from __future__ import annotations

import polars as pl

from entp.purge.rule import Lower, LowerQuantile, Upper, UpperQuantile, rule
from entp.purge.text import ascii_edges, asks_for_code, filled_line_count, looks_like_code, share, where

#: Words that no finished sentence ends with.
_OPEN_WORDS = r"(?:the|an|and|or|of|because|than|into|such as|their|your|our|is a|was a|with a|to a|in a|for a|as a)"
#: Requests whose right answer is a piece of a sentence, or goes on from one.
_FRAGMENT_REQUEST = ascii_edges(
    r"(?i)\b(?:fill|blank|complete|finish|continue|missing|next|word|words|phrase|fragment|begins?|beginning|starts?|"
    r"starting|opening|prefix|conjunction|preposition|article|rearrange|unscramble|insert|extract|identify|remove"
    r"|delete|poem|lyrics|song|verse|haiku|___*|\.\.\.)\b|__"
)
_BLOCK_TAG = r"(?:p|div|span|table|tr|td|th|ul|ol|body|html|h[1-6]|section|article|font|center|b|i|em|strong)"
_MARKUP_REQUEST = ascii_edges(
    r"(?i)\b(?:html|xml|css|web ?(?:page|site)|tag|markup|email template|newsletter|snippet)|网页|标签"
)
_LIST_REQUEST = ascii_edges(
    r"(?i)\b(?:list|bullets?|items?|names?|give|provide|generate|examples?|ideas?|steps?|tips|ways|recipe|outline|plan"
    r"|ingredients|agenda|schedule|itinerary|checklist|questions|reasons|what are|suggest|create|write|compile)\b"
    r"|列出|清单|列表|几个|哪些|步骤|建议"
)
#: An answer that is quoted at the end, as reasoning tasks do.
_FINAL_ANSWER = ascii_edges(r"(?i)\banswer(?: is|:)[^.\n]*$")


@rule(reason="empty_response", scope="response", prior=Lower(1), action="drop", source="our choice")
def empty_response(text: pl.Expr) -> pl.Expr:
    """Characters of the response without the white space around it.

    Trips:  " \\n "
    Passes: "+"
    """
    return text.str.strip_chars().str.len_chars()


@rule(reason="empty_prompt", scope="prompt", prior=Lower(1), action="drop", source="our choice")
def empty_prompt(text: pl.Expr) -> pl.Expr:
    """1 where the prompt has a letter or digit.

    Trips:  " ...\\n"
    Passes: "2+2"
    """
    return text.str.contains(r"[\p{L}\p{N}]")


@rule(
    reason="truncated_ending",
    scope=("prompt", "response", "formal"),
    prior=Upper(0),
    action="drop",
    source="docs/method.md, stage 2: structure; word list our choice",
)
def truncated_ending(prompt: pl.Expr, response: pl.Expr, formal: pl.Expr) -> pl.Expr:
    """1 where the response stops at a comma, an open bracket, or a word that cannot end a sentence.

    Trips:  ("Name three causes.", "The three causes are: first, the")
    Passes: ("Which word is the definite article?", "the")
    Passes: ("Name three causes.", "There are three: greed, fear, and the weather.")
    """
    stops = response.str.strip_chars_end().str.contains(rf"(?:\p{{L}},|\s[(\[]|\s{_OPEN_WORDS})$")
    # A letter's "Sincerely," on its own line is whole.
    enough = _last_line(pl.when(stops).then(response)).str.count_matches(r"\S+") >= 5
    asked = prompt.str.contains(_FRAGMENT_REQUEST) | response.str.contains(_FINAL_ANSWER)
    return where(stops & enough & ~asked & ~formal, pl.lit(1))


@rule(
    reason="unfinished_sentence",
    scope=("response", "formal"),
    prior=Upper(0),
    action="flag",
    source="docs/method.md, stage 2: structure (no final punctuation)",
)
def unfinished_sentence(response: pl.Expr, formal: pl.Expr) -> pl.Expr:
    """1 where prose of several sentences ends in a lower-case word with no mark after it.

    Trips:  ("Tell me about tea.", "Tea is a drink. It comes from Asia. People enjoy it hot, and many people drink it")
    Passes: ("Tell me about tea.", "Tea is a drink. It comes from Asia. People enjoy it hot, and many drink it cold.")
    Passes: ("Where is Paris?", "in France")
    Passes: ("Which is a drink?", "Tea is a drink. It is made of leaves. Leaves are not. So the answer is tea")
    """
    stops = response.str.strip_chars_end().str.contains(r"\s[\p{Ll}\p{N}'’]+$")
    last = _last_line(pl.when(stops).then(response))
    prose = last.str.count_matches(r"\p{Ll}[.!?]\s+\p{Lu}") >= 2
    inline_list = last.str.contains(ascii_edges(r"\b2[.)]\s")) | last.str.contains(_FINAL_ANSWER)
    return where(prose & stops & ~inline_list & ~formal, pl.lit(1))


@rule(
    reason="unfinished_list",
    scope="response",
    prior=Upper(0),
    action="drop",
    source="docs/method.md, stage 2: structure (unfinished list)",
)
def unfinished_list(text: pl.Expr) -> pl.Expr:
    """1 where a list ends with a number or bullet that nothing follows.

    Trips:  "1. Norway\\n2. Sweden\\n3."
    Passes: "1. Norway\\n2. Sweden\\n3. Denmark"
    Passes: "12."
    """
    trimmed = text.str.strip_chars_end()
    numbered = trimmed.str.contains(r"(?m)^\s*1[.)、]\s*\S") & trimmed.str.contains(r"\n\s*\d{1,2}[.)、]$")
    bulleted = trimmed.str.contains(r"(?m)^[-*•] \S.*\n[-*•]$")
    return where((numbered | bulleted) & ~looks_like_code(text), pl.lit(1))


@rule(
    reason="unbalanced_fence",
    scope="response",
    prior=Upper(0),
    action="drop",
    source="docs/method.md, stage 2: structure (unbalanced fences)",
)
def unbalanced_fence(text: pl.Expr) -> pl.Expr:
    """1 where a code fence is opened and never closed: the rest of the code is missing.

    Trips:  "Try this:\\n```python\\nprint(1)"
    Passes: "Try this:\\n```python\\nprint(1)\\n```"
    """
    return text.str.count_matches("```") % 2


@rule(
    reason="unbalanced_brackets",
    scope=("response", "formal"),
    prior=Upper(0),
    action="flag",
    source="docs/method.md, stage 2: structure (unbalanced brackets)",
)
def unbalanced_brackets(response: pl.Expr, formal: pl.Expr) -> pl.Expr:
    """Round and square brackets that are opened in prose and never closed.

    Trips:  ("What is DNA?", "DNA (deoxyribonucleic acid is a molecule.")
    Passes: ("What is DNA?", "a) a molecule (deoxyribonucleic acid); b) a code :)")
    Passes: ("Make a password.", "B9u(h#-g7WH1y")
    """
    open_round = response.str.count_matches(r"[(（]").cast(pl.Int64) - response.str.count_matches(r"[)）]")
    open_square = response.str.count_matches(r"\[").cast(pl.Int64) - response.str.count_matches(r"\]")
    unhappy_face = response.str.contains(r"[:;=]-?\(")
    counts = (response.str.count_matches(r"\S+") >= 4) & ~unhappy_face & ~formal
    return where(counts, open_round.clip(0) + open_square.clip(0))


@rule(
    reason="broken_markup",
    scope=("prompt", "response"),
    prior=Upper(0),
    action="drop",
    source="our choice: a scraper's leftovers",
)
def broken_markup(prompt: pl.Expr, response: pl.Expr) -> pl.Expr:
    """Tags of block markup that are opened and not closed, or the reverse, where nobody asked for markup or code.

    Trips:  ("Describe tea.", "<div class=x><p>Tea is a drink.</p><span>It comes from Asia.")
    Trips:  ("Describe tea.", "Tea is a drink.</p></div> It comes from Asia.")
    Passes: ("Write a web page.", "<div><p>Tea is a drink.")
    Passes: ("Describe tea.", "<p>Tea is a drink.</p>")
    Passes: ("Compare.", "a < b, b > c, and <your name> is a placeholder.")
    """
    opened = response.str.count_matches(rf"(?i)<{_BLOCK_TAG}(?:\s[^<>\n]*)?>").cast(pl.Int64)
    closed = response.str.count_matches(rf"(?i)</{_BLOCK_TAG}\s*>").cast(pl.Int64)
    asked = prompt.str.contains(_MARKUP_REQUEST) | asks_for_code(prompt) | prompt.str.contains(r"</?[a-z]+[ >]")
    return where(~asked & ~response.str.contains("```"), (opened - closed).abs())


@rule(
    reason="ellipsis_lines",
    scope="response",
    prior=Upper(0.30),
    action="flag",
    source="Gopher (MassiveText), appendix A1.1: lines that end with an ellipsis",
)
def ellipsis_lines(text: pl.Expr) -> pl.Expr:
    r"""Share of lines that end with an ellipsis (0..1), in responses of three lines and more.

    Trips:  "Tea is a drink...\nIt comes from...\nMore on this page..."
    Passes: "Tea is a drink.\nIt comes from Asia...\nPeople like it.\nSo do I."
    """
    lines = filled_line_count(text)
    return where(lines >= 3, share(text.str.count_matches(r"(?m)\S.*(?:\.\.\.|…)\s*$"), lines))


@rule(
    reason="bullet_lines",
    scope=("prompt", "response"),
    prior=Upper(0.90),
    action="flag",
    source="Gopher (MassiveText), appendix A1.1: lines that start with a bullet",
)
def bullet_lines(prompt: pl.Expr, response: pl.Expr) -> pl.Expr:
    r"""Share of lines that start with a bullet (0..1), from ten lines on, where no list was asked for.

    Trips:  ("Explain tea.", "- a b\n- c d\n- e f\n- g h\n- i j\n- k l\n- m n\n- o p\n- q r\n- s t")
    Passes: ("List ten teas.", "- a b\n- c d\n- e f\n- g h\n- i j\n- k l\n- m n\n- o p\n- q r\n- s t")
    """
    lines = filled_line_count(response)
    bullets = response.str.count_matches(r"(?m)^\s*[-*•●▪]\s")
    return where((lines >= 10) & ~prompt.str.contains(_LIST_REQUEST), share(bullets, lines))


@rule(
    reason="blank_lines",
    scope=("response", "formal"),
    prior=Upper(0.60),
    action="flag",
    source="DATA4LLM text-anomaly table (share of blank lines)",
)
def blank_lines(response: pl.Expr, formal: pl.Expr) -> pl.Expr:
    r"""Share of lines that are blank (0..1), in responses of ten lines and more that are no code or form.

    Trips:  ("Tell.", "one\n\n\ntwo\n\n\nthree\n\n\nfour\n\n\nfive")
    Passes: ("Tell.", "one\n\ntwo\n\nthree\n\nfour\n\nfive\n\nsix")
    """
    lines = response.str.count_matches("\n") + 1
    blank = lines - filled_line_count(response)
    return where((lines >= 10) & ~formal, share(blank, lines))


@rule(
    reason="equal_length_lines",
    scope=("response", "formal"),
    prior=Upper(49),
    action="flag",
    source="DATA4LLM text-anomaly table (equal-length lines 50 times over)",
)
def equal_length_lines(response: pl.Expr, formal: pl.Expr) -> pl.Expr:
    r"""Lines as long as the line before, of two characters and more, where no code or table was asked for.

    Trips:  ("Tell.", "ab cd\nef gh\nij kl\nmn op\nqr st\nuv wx\nyz ab\ncd ef\ngh ij\nkl mn\nop qr\nst uv\nwx yz\nab cd\nef gh\nij kl\nmn op\nqr st\nuv wx\nyz ab\ncd ef\ngh ij\nkl mn\nop qr\nst uv\nwx yz\nab cd\nef gh\nij kl\nmn op\nqr st\nuv wx\nyz ab\ncd ef\ngh ij\nkl mn\nop qr\nst uv\nwx yz\nab cd\nef gh\nij kl\nmn op\nqr st\nuv wx\nyz ab\ncd ef\ngh ij\nkl mn\nop qr\nst uv")
    Passes: ("Tell.", "Tea is a drink.\nIt comes from Asia.\nPeople like it.")
    """  # noqa: E501
    many = pl.when(response.str.count_matches("\n") >= 49).then(response)
    lengths = pl.element().str.len_chars()
    equal = many.str.split("\n").list.eval((lengths == lengths.shift(1)) & (lengths >= 2)).list.sum()
    return where(~formal, equal.fill_null(0))


@rule(reason="response_length_high", scope="response", prior=UpperQuantile(0.995), action="flag", source="our choice")
def response_length_high(text: pl.Expr) -> pl.Expr:
    """Characters of the response, against the longest 0.5 % of the same source.

    Trips:  "word word word word word word word word word word word word word word word word word word word word word"
    Passes: "A response of ordinary length."
    """
    return text.str.len_chars()


@rule(reason="response_length_low", scope="response", prior=LowerQuantile(0.005), action="flag", source="our choice")
def response_length_low(text: pl.Expr) -> pl.Expr:
    """Characters of the response, against the shortest 0.5 % of the same source.

    Trips:  "42"
    Passes: "A response of ordinary length."
    """
    return text.str.len_chars()


def _last_line(text: pl.Expr) -> pl.Expr:
    return text.str.strip_chars_end().str.extract(r"([^\n]*)$").fill_null("")

"""How long a request is, guessed without a tokenizer: batches are cut before any model needs to be loaded.

A batch is padded to its longest row. Measured with SmolLM2 on 1,200 judge prompts of 15 sources, a seventh of them
Chinese, in batches of 16: sorted by characters, 52 % of the tokens are padding; by this guess 7 %; by real tokens 1 %.
"""

from __future__ import annotations

import re

from entp.llm.client import Generate, LogLikelihood, Request

#: Tokens of a word of Latin letters, a digit, a line end, any other ASCII mark, and any other character (fitted).
WEIGHTS = (
    (re.compile(r"[A-Za-z]+"), 1.1),
    (re.compile(r"\d", re.ASCII), 1.2),
    (re.compile(r"\n"), 1.2),
    (re.compile(r"[!-/:-@\[-`{-~]"), 0.7),
    (re.compile(r"[^\x00-\x7f]"), 1.8),
)


def length(request: Request) -> tuple[int, float, int]:
    """Orders requests by length: tokens to write, then tokens to read (guessed), then characters."""
    texts = [message["content"] for message in request.messages]
    if isinstance(request, LogLikelihood):
        texts.append(request.continuation)
    to_write = request.max_tokens if isinstance(request, Generate) else 0
    return to_write, sum(map(guessed_tokens, texts)), sum(map(len, texts))


def guessed_tokens(text: str) -> float:
    """Tokens of a small vocabulary, on average right; `entp.text.excerpt.estimated_tokens` errs on the safe side."""
    return sum(weight * len(pattern.findall(text)) for pattern, weight in WEIGHTS)

"""Cutting texts to a budget of tokens without a tokenizer: what is asked must not depend on one model's."""

from __future__ import annotations

#: Tokens per character, on the safe side: SmolLM2's small vocabulary needs 0.23 for English and 1.9 for Chinese, and
#: larger ones need fewer (our choice).
TOKENS_PER_ASCII = 0.3
TOKENS_PER_OTHER = 2.0
#: Sums of decimal fractions are off in their last digits; a text that just fits must not lose a character for that.
ROUNDING = 1e-6
GAP = " [...] "
#: Share of a cut text that is taken from its beginning; the rest is its end, where truncation shows (our choice).
HEAD_SHARE = 0.75


def estimated_tokens(text: str) -> float:
    """A cautious guess of how many tokens `text` is."""
    ascii_characters = sum(character.isascii() for character in text)
    return ascii_characters * TOKENS_PER_ASCII + (len(text) - ascii_characters) * TOKENS_PER_OTHER


def fits(text: str, max_tokens: float) -> bool:
    return estimated_tokens(text) <= max_tokens + ROUNDING


def head(text: str, max_tokens: float) -> str:
    """The longest beginning of `text` that is within the budget."""
    spent = 0.0
    for index, character in enumerate(text):
        spent += TOKENS_PER_ASCII if character.isascii() else TOKENS_PER_OTHER
        if spent > max_tokens + ROUNDING:
            return text[:index]
    return text


def ends(text: str, max_tokens: float) -> str:
    """`text`, or its beginning and its end with a gap between them where it is over the budget."""
    if fits(text, max_tokens):
        return text
    tail = head(text[::-1], max_tokens * (1 - HEAD_SHARE))[::-1]
    return head(text, max_tokens * HEAD_SHARE) + GAP + tail


def shares(prompt: str, response: str, max_tokens: float) -> tuple[float, float]:
    """Split the budget: half each, and what one of them does not need goes to the other."""
    need_prompt, need_response = estimated_tokens(prompt), estimated_tokens(response)
    if need_prompt + need_response <= max_tokens:
        return need_prompt, need_response
    for_prompt = min(need_prompt, max(max_tokens / 2, max_tokens - need_response))
    return for_prompt, max_tokens - for_prompt

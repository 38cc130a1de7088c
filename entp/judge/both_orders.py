"""Which of two texts is the better one, asked in both orders, since a judge prefers places (Zheng et al. 2023,
arXiv 2306.05685, section 3.4).

What to make of the two replies is for the caller to say: a judge's odds are averaged, or its two votes must agree.
"""

from __future__ import annotations

from collections.abc import Sequence

from entp.llm.client import Choose, Reply, user

A, B = "A", "B"


def both_orders(prompts: Sequence[tuple[str, str]]) -> list[Choose]:
    """The requests for pairs of prompts: all straight ones, then all turned ones.

    Of a pair, the straight prompt shows the first text as A and the second as B, the turned one the first as B.
    """
    orders = [straight for straight, _ in prompts] + [turned for _, turned in prompts]
    return [Choose(user(prompt), (A, B)) for prompt in orders]


def by_pair(replies: Sequence[Reply]) -> list[tuple[Reply, Reply]]:
    """The replies to `both_orders`, straight and turned, of each pair."""
    half = len(replies) // 2
    return list(zip(replies[:half], replies[half:], strict=True))

from __future__ import annotations

import asyncio

import pytest

from entp.judge.retry import ask_again
from entp.llm.client import Choose, Reply, user

REQUESTS = [Choose(user(name), ("Yes", "No")) for name in ("one", "two", "three")]


def asked(*rounds: list[str]) -> tuple[list[str], list[list[str]]]:
    """The statuses that come of it where each round of requests meets these, and what was asked in each round."""
    coming, seen = iter(rounds), []

    async def ask(requests, _advance):
        seen.append([request.messages[0]["content"] for request in requests])
        return [Reply(status) for status in next(coming)]

    return [reply.status for reply in asyncio.run(ask_again(ask, REQUESTS, None))], seen


def test_only_those_without_a_final_reply_are_asked_once_more_and_keep_their_place():
    statuses, seen = asked(["failed", "ok", "timed_out"], ["ok", "failed"])
    assert statuses == ["ok", "ok", "failed"]
    assert seen == [["one", "two", "three"], ["one", "three"]]


@pytest.mark.parametrize("status", ["ok", "truncated", "refused"])
def test_a_final_reply_is_not_asked_for_again(status):
    assert asked([status] * 3) == ([status] * 3, [["one", "two", "three"]])

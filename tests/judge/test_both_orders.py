from __future__ import annotations

from entp.judge.both_orders import both_orders, by_pair
from entp.llm.client import Reply


def test_each_pair_is_asked_straight_and_turned_and_gets_both_replies():
    requests = both_orders([("a b", "b a"), ("c d", "d c")])
    assert {request.answers for request in requests} == {("A", "B")}
    replies = [Reply("ok", text=request.messages[0]["content"]) for request in requests]
    assert [(one.text, other.text) for one, other in by_pair(replies)] == [("a b", "b a"), ("c d", "d c")]


def test_no_pairs_no_requests():
    assert by_pair([Reply("ok") for _ in both_orders([])]) == []

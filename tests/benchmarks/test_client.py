from __future__ import annotations

from benchmarks.client import by_openai, by_session, serving
from tests.llm import openai_server
from tests.llm.openai_server import Server, completion


def bodies_sent_by(side) -> list[str]:
    with openai_server.serving(Server(completions=[completion()])) as server:
        side(server.url, 12, concurrency=4)
        return sorted(openai_server.digest(body) for body in server.calls("completions"))


def test_both_sides_send_the_same_requests():
    ours, rivals = bodies_sent_by(by_session), bodies_sent_by(by_openai)
    assert ours == rivals
    assert len(set(ours)) == 12


def test_the_server_of_its_own_answers():
    with serving() as url:
        assert by_session(url, 2, concurrency=2).seconds > 0

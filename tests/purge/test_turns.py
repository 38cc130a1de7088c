"""The purge sees conversations whole: every answer that is learnt from, the system turn, calls and reasoning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from entp import records, store
from entp.config import Config
from entp.purge.stage import run
from tests.datasets import publish

LOOP = "Slate is a rock. " * 30
QUESTION = "Which fern grows on old stone walls in the shade?"
ANSWER = "Maidenhair spleenwort grows on old walls, in the lime of the mortar, wherever the stones are damp."


def purge(
    folder: Path, *conversations: list[dict[str, Any]], tools: list[str | None] | None = None, **settings: Any
) -> Path:
    rows = [
        {
            "id": records.content_id(turns, described),
            "source": "forum",
            "messages": turns,
            "tools": described,
            "language": "en",
            "meta": json.dumps({"file": "pool.jsonl", "row": row, "mail": "petra.lindqvist@posteo.de"}),
        }
        for row, (turns, described) in enumerate(
            zip(conversations, tools or [None] * len(conversations), strict=True), start=1
        )
    ]
    publish(folder, "ingest", samples=rows)
    config = Config.model_validate({"purge": {"min_kept_ratio": 0, **settings}})
    run(config, {"ingest": folder / "ingest"}, folder / "purge")
    return folder / "purge"


def talk(*answers: str, system: str = "", **fields: Any) -> list[dict[str, Any]]:
    opening = [{"role": "system", "content": system}] if system else []
    turns = [
        turn
        for number, answer in enumerate(answers)
        for turn in (
            {"role": "user", "content": QUESTION if number == 0 else "And what else grows there?"},
            {"role": "assistant", "content": answer, **(fields if number == 0 else {})},
        )
    ]
    return [*opening, *turns]


def dropped(purged: Path) -> dict[str, Any]:
    """Reason -> turn of the verdicts that dropped a sample."""
    verdicts = store.read(purged, "verdicts").filter(~pl.col("keep"))
    return dict(verdicts.select("reason", "turn").iter_rows())


OTHER = talk("Ivy-leaved toadflax does, and wall rue, both of them small and hardy.")


def test_an_earlier_answer_is_judged_like_the_last_and_the_verdict_names_its_turn(tmp_path):
    early = dropped(purge(tmp_path / "early", talk(LOOP, ANSWER), OTHER))
    late = dropped(purge(tmp_path / "late", talk(ANSWER, LOOP), OTHER))
    assert set(early) == set(late) != set()
    assert set(early.values()) == {1}
    assert set(late.values()) == {3}


def test_an_answer_that_is_not_learnt_from_is_not_judged(tmp_path):
    assert dropped(purge(tmp_path, talk(LOOP, ANSWER, learn=False), OTHER)) == {}


def test_a_conversation_of_several_answers_has_one_verdict_per_reason(tmp_path):
    purged = purge(tmp_path, talk(LOOP, LOOP), OTHER)
    verdicts = store.read(purged, "verdicts")
    assert verdicts.select("id", "reason").is_unique().all()
    assert verdicts["id"].n_unique() == 2


def test_the_same_question_under_another_system_turn_is_another_sample(tmp_path):
    talks = [talk(ANSWER, system=system) for system in ("", "Answer like a botanist.", "Answer like a mason.")]
    assert dropped(purge(tmp_path / "systems", *talks)) == {}
    tools = [None, '[{"type":"function","function":{"name":"flora"}}]']
    assert dropped(purge(tmp_path / "tools", talk(ANSWER), talk(ANSWER), tools=tools)) == {}


def test_a_copy_under_the_same_system_turn_is_a_copy(tmp_path):
    talks = [talk(answer, system="Answer like a mason.") for answer in (ANSWER, ANSWER + " Look for it.")]
    assert set(dropped(purge(tmp_path, *talks))) == {"near_duplicate"}


def test_an_article_in_the_system_turn_is_not_missing(tmp_path):
    asked = [
        {"role": "user", "content": "Summarize the given article."},
        {"role": "assistant", "content": "Ferns grow on damp old walls because their mortar holds lime."},
    ]
    article = {"role": "system", "content": "Article: " + "Ferns of the walls live in mortar that holds lime. " * 4}
    without = set(dropped(purge(tmp_path / "without", asked, OTHER)))
    assert without
    assert set(dropped(purge(tmp_path / "with", [article, *asked], OTHER))) == set()


def test_personal_data_is_replaced_in_reasoning_calls_and_columns(tmp_path):
    arguments = {"to": "petra.lindqvist@posteo.de", "n": 1690876800}
    call = json.dumps([{"type": "function", "function": {"name": "mail", "arguments": arguments}}])
    turns = talk(ANSWER, reasoning="Petra's address is petra.lindqvist@posteo.de.", tool_calls=call)
    [kept] = store.read(purge(tmp_path, turns), "samples").to_dicts()
    answer = kept["messages"][1]
    assert answer["reasoning"] == "Petra's address is <EMAIL_1>."
    assert json.loads(answer["tool_calls"])[0]["function"]["arguments"] == {"to": "<EMAIL_1>", "n": 1690876800}
    assert json.loads(kept["meta"]) == {"file": "pool.jsonl", "row": 1, "mail": "<EMAIL_1>"}


def test_an_evaluation_item_in_reasoning_or_the_system_turn_is_found(tmp_path):
    item = "A lighthouse keeper counts nine ships on Monday and twice as many on every day that follows until Friday."
    exam = tmp_path / "exam.jsonl"
    exam.write_text(json.dumps({"question": item, "answer": "much"}))
    talks = [talk(ANSWER, reasoning=item), talk(ANSWER, system=item), OTHER]
    verdicts = store.read(purge(tmp_path, *talks, benchmarks=[str(exam)]), "verdicts")
    assert verdicts.filter(reason="contaminated").height == 2

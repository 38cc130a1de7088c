"""What a row holds comes out of ingest whole, or the row is refused by name."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entp import store
from entp.config import IngestConfig
from entp.errors import DataError
from entp.ingest.files import InputFile
from entp.ingest.readers import RawRow
from entp.ingest.reasons import REASONS, RowError
from entp.ingest.sample import read_row
from entp.ingest.source_name import source_name
from tests.ingest.reading import Ingested, ingest, ingest_rows, ingest_text

GOOD = {"instruction": "Why?", "input": "", "output": "Because."}
TOOL = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "1", "type": "function", "function": {"name": "clock", "arguments": {"zone": "UTC"}}}


def asked(*answers: Any, question: Any = "What time is it?") -> list[dict[str, Any]]:
    return [{"role": "user", "content": question}, *answers]


def said(content: Any, **fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **fields}


def turns(tables: Ingested, row: int = 0) -> list[dict[str, Any]]:
    """The turns of a sample, without what they haven't got."""
    return [
        {name: value for name, value in turn.items() if value is not None} for turn in tables.samples["messages"][row]
    ]


def preferences(tmp_path) -> pl.DataFrame:
    return store.read(tmp_path / "out" / "ingest", "preferences")


class TestTools:
    def test_calls_results_and_tools_are_kept(self, tmp_path):
        result = {"role": "tool", "tool_call_id": "1", "content": "09:00"}
        row = {"messages": asked(said(None, tool_calls=[CALL]), result, said("Nine.")), "tools": [TOOL]}
        tables = ingest_rows(tmp_path, row)
        assert json.loads(tables.samples["tools"][0]) == [TOOL]
        assert [turn["role"] for turn in turns(tables)] == ["user", "assistant", "tool", "assistant"]
        assert json.loads(turns(tables)[1]["tool_calls"]) == [CALL]
        assert turns(tables)[2] == result

    @pytest.mark.parametrize(
        "call",
        [
            said(None, tool_calls=[{"function": {"name": "clock", "arguments": '{"zone": "UTC"}'}}]),
            said(None, function_call={"name": "clock", "arguments": '{"zone": "UTC"}'}),
            {"from": "function_call", "value": '{"name": "clock", "arguments": {"zone": "UTC"}}'},
            {"role": "assistant", "tool_calls": '[{"name": "clock", "arguments": {"zone": "UTC"}}]'},
        ],
    )
    def test_every_form_of_a_call_is_the_same_call(self, tmp_path, call):
        tables = ingest_rows(tmp_path, {"messages": asked(call), "tools": json.dumps([TOOL])})
        [found] = json.loads(turns(tables)[1]["tool_calls"])
        assert found["function"] == {"name": "clock", "arguments": {"zone": "UTC"}}
        assert json.loads(tables.samples["tools"][0]) == [TOOL]

    def test_the_same_words_with_other_tools_are_another_sample(self, tmp_path):
        rows = [{"messages": asked(said("Nine.")), "tools": tools} for tools in (None, [TOOL])]
        assert ingest_rows(tmp_path, *rows).samples["id"].n_unique() == 2

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ({"messages": asked(said(None, tool_calls=["clock"]))}, "unreadable_tools"),
            ({"messages": asked(said("Nine.")), "tools": "a clock"}, "unreadable_tools"),
            ({"messages": [{"role": "tool", "content": "09:00"}, said("Nine.")]}, "wrong_role_order"),
            ({"messages": asked(said(None))}, "missing_response"),
        ],
    )
    def test_what_cannot_be_read_is_refused_by_name(self, tmp_path, row, reason):
        assert ingest_rows(tmp_path, GOOD, row).reasons == [(2, reason)]


class TestReasoning:
    @pytest.mark.parametrize(
        "row",
        [
            {"messages": asked(said("Nine.", reasoning_content="It was eight."))},
            {"messages": asked(said("Nine.", thinking="It was eight."))},
            {"messages": asked(said("<think>\nIt was eight.\n</think>\n\nNine."))},
            {
                "messages": asked(
                    said([{"type": "thinking", "thinking": "It was eight."}, {"type": "text", "text": "Nine."}])
                )
            },
            {"messages": asked(said("Nine.")), "reasoning": "It was eight."},
            {"question": "What time is it?", "answer": "Nine.", "reasoning": "It was eight."},
            {"prompt": "What time is it?", "completion": "<think>It was eight.</think>Nine."},
        ],
    )
    def test_it_is_the_answers_own(self, tmp_path, row):
        assert turns(ingest_rows(tmp_path, row)) == asked(said("Nine.", reasoning="It was eight."))

    def test_two_that_differ_are_refused(self, tmp_path):
        row = {"messages": asked(said("<think>A</think>Nine.", reasoning_content="B"))}
        assert ingest_rows(tmp_path, GOOD, row).reasons == [(2, "conflicting_fields")]

    def test_a_block_that_never_closes_stays_text(self, tmp_path):
        assert turns(ingest_rows(tmp_path, {"messages": asked(said("<think>Nine."))})) == asked(said("<think>Nine."))


class TestWhatIsLearnt:
    @pytest.mark.parametrize(
        "mark", [{"weight": 0}, {"train": False}, {"loss": False}, {"weight": 0.0, "train": False}]
    )
    def test_a_turn_may_be_context_only(self, tmp_path, mark):
        row = {"messages": asked(said("Eight.", **mark), {"role": "user", "content": "Sure?"}, said("Nine.", weight=1))}
        assert [turn.get("learn") for turn in turns(ingest_rows(tmp_path, row))] == [None, False, None, None]

    def test_a_row_with_nothing_to_learn_from_is_refused(self, tmp_path):
        assert ingest_rows(tmp_path, GOOD, {"messages": asked(said("Nine.", weight=0))}).reasons == [
            (2, "nothing_learnt")
        ]

    def test_a_weight_between_is_refused(self, tmp_path):
        row = {"messages": asked(said("Nine.", weight=0.5))}
        assert ingest_rows(tmp_path, GOOD, row).reasons == [(2, "fractional_weight")]


class TestSystemTurns:
    @pytest.mark.parametrize("column", ["system", "system_prompt", "system_message"])
    @pytest.mark.parametrize(
        "row", [{"prompt": "Why?", "response": "So."}, {"messages": asked(said("So."), question="Why?")}]
    )
    def test_a_column_is_the_first_turn(self, tmp_path, column, row):
        first = turns(ingest_rows(tmp_path, {**row, column: "Be brief."}))[0]
        assert first == {"role": "system", "content": "Be brief."}

    def test_a_column_that_repeats_the_turn_is_not_said_twice(self, tmp_path):
        row = {"messages": [{"role": "system", "content": "Be brief."}, *asked(said("So."))], "system": "Be brief."}
        assert [turn["role"] for turn in turns(ingest_rows(tmp_path, row))] == ["system", "user", "assistant"]


BOTH = [asked(said(answer), question="Why?") for answer in ("So.", "No.")]


class TestPreferences:
    @pytest.mark.parametrize(
        "row",
        [
            {"prompt": "Why?", "chosen": "So.", "rejected": "No."},
            {"instruction": "Why?", "output": "So.", "rejected": "No."},
            {"prompt": "Why?", "messages": BOTH[0], "chosen": [said("So.")], "rejected": [said("No.")]},
            {"chosen": BOTH[0], "rejected": BOTH[1]},
            {"chosen": "\n\nHuman: Why?\n\nAssistant: So.", "rejected": "\n\nHuman: Why?\n\nAssistant: No."},
            {"conversations": BOTH[0][:1], "chosen": {"from": "gpt", "value": "So."}, "rejected": said("No.")},
        ],
    )  # fmt: skip
    def test_neither_answer_is_a_sample(self, tmp_path, row):
        tables = ingest_rows(tmp_path, GOOD, row)
        assert tables.samples.height == 1
        [found] = preferences(tmp_path).to_dicts()
        assert {side: [turn["content"] for turn in found[side]] for side in ("prompt", "chosen", "rejected")} == {
            "prompt": ["Why?"],
            "chosen": ["So."],
            "rejected": ["No."],
        }

    def test_an_answer_labelled_bad_is_rejected(self, tmp_path):
        ingest_rows(tmp_path, GOOD, {"prompt": "Why?", "completion": "No.", "label": False})
        [found] = preferences(tmp_path).to_dicts()
        assert (found["chosen"], found["rejected"][0]["content"]) == (None, "No.")

    def test_an_answer_labelled_good_is_a_sample(self, tmp_path):
        assert ingest_rows(tmp_path, {"prompt": "Why?", "completion": "So.", "label": True}).samples.height == 1

    def test_two_equal_answers_are_refused(self, tmp_path):
        row = {"prompt": "Why?", "chosen": "So.", "rejected": "So."}
        assert ingest_rows(tmp_path, GOOD, row).reasons == [(2, "unreadable_preference")]

    def test_a_pool_of_preferences_alone_is_published(self, tmp_path):
        assert ingest_rows(tmp_path, {"prompt": "Why?", "chosen": "So.", "rejected": "No."}).samples.is_empty()
        assert preferences(tmp_path).height == 1


class TestChoices:
    @pytest.mark.parametrize(
        "row",
        [
            {"question": "Which is red?", "choices": ["sky", "rose"], "answer": 1},
            {"question": "Which is red?", "choices": ["sky", "rose"], "answer": "b"},
            {"question": "Which is red?", "choices": {"text": ["sky", "rose"], "label": ["A", "B"]}, "answerKey": "B"},
            {"instruction": "Which is red?", "options": {"A": "sky", "B": "rose"}, "output": "(B)"},
            {"prompt": "Which is red?", "options": ["sky", "rose"], "completion": "rose"},
        ],
    )
    def test_options_are_written_out_and_the_answer_is_text(self, tmp_path, row):
        assert turns(ingest_rows(tmp_path, row)) == asked(said("B. rose"), question="Which is red?\n\nA. sky\nB. rose")

    def test_options_that_the_question_writes_out_are_not_written_twice(self, tmp_path):
        row = {"question": "Which is red? A. sky B. rose", "choices": ["sky", "rose"], "answer": "B"}
        assert turns(ingest_rows(tmp_path, row))[0]["content"] == "Which is red? A. sky B. rose"

    @pytest.mark.parametrize("answer", [2, -1, "1", "E"])
    def test_an_answer_that_stands_for_no_option_is_refused(self, tmp_path, answer):
        row = {"question": "Which is red?", "choices": ["sky", "rose"], "answer": answer}
        assert ingest_rows(tmp_path, GOOD, row).reasons == [(2, "unreadable_choices")]


class TestMedia:
    @pytest.mark.parametrize(
        "row",
        [
            {**GOOD, "image": "a.jpg"},
            {"messages": asked(said("A cat."), question="<image>\nWho is this?")},
            {"messages": asked(said("A cat."), question="Picture 1: <img>a.jpg</img> Who is this?")},
            {"messages": asked(said("A cat."), question=[{"type": "image_url", "image_url": {"url": "a"}}])},
            {"messages": asked(said([{"type": "text", "text": "A cat.", "audio": "a.wav"}]))},
        ],
    )
    def test_a_row_that_needs_them_is_refused(self, tmp_path, row):
        assert ingest_rows(tmp_path, GOOD, row).reasons == [(2, "needs_media")]

    def test_an_empty_column_needs_nothing(self, tmp_path):
        assert ingest_rows(tmp_path, {**GOOD, "image": None, "images": []}).samples.height == 1


class TestFieldsThatSayTheSame:
    def test_two_that_differ_are_refused(self, tmp_path):
        row = {"instruction": "Why?", "output": "So.", "response": "No."}
        assert ingest_rows(tmp_path, GOOD, row).reasons == [(2, "conflicting_fields")]

    def test_a_field_with_a_meaning_that_the_format_has_no_place_for_is_refused(self, tmp_path):
        row = {"messages": asked(said("So.")), "context": "A clock on a tower."}
        assert ingest_rows(tmp_path, GOOD, row).reasons == [(2, "unread_fields")]

    def test_one_that_is_said_anyway_is_not(self, tmp_path):
        rendered = "### Question: What time is it? ### Answer: Nine."
        row = {"messages": asked(said("Nine.")), "prompt": "What time is it?", "completion": rendered}
        assert ingest_rows(tmp_path, row).samples.height == 1

    def test_the_shape_is_told_by_what_a_row_has_filled(self, tmp_path):
        rows = [
            {"messages": None, "prompt": "Why?", "completion": "So."},
            {"messages": asked(said("Nine.")), "prompt": None, "completion": None},
            {"messages": [], "prompt": "How?", "completion": "So."},
            {"chat": "room 3", "prompt": "Who?", "completion": "You."},
        ]
        assert [turns[0][1] for turns in ingest_rows(tmp_path, *rows).turns] == [
            "Why?", "What time is it?", "How?", "Who?",
        ]  # fmt: skip


class TestText:
    def test_a_key_twice_is_refused_and_costs_that_row_only(self, tmp_path):
        lines = f'{json.dumps(GOOD)}\n{{"prompt": "a", "completion": "b", "completion": "c"}}\n'
        assert ingest_text(tmp_path, "a.jsonl", lines).reasons == [(2, "repeated_key")]
        assert ingest_text(tmp_path, "a.json", f"[{lines.replace(chr(10), ',', 1)}]").reasons == [(2, "repeated_key")]
        whole = f'{{"rows": [{lines.replace(chr(10), ",", 1)}]}}'
        assert ingest_text(tmp_path, "b.json", whole).reasons == [(2, "repeated_key")]

    def test_a_byte_order_mark_between_joined_files_is_no_text(self, tmp_path):
        lines = f"\ufeff{json.dumps(GOOD)}\n\ufeff{json.dumps({**GOOD, 'instruction': 'How?'})}\n\ufeff\n"
        assert ingest_text(tmp_path, "a.jsonl", lines).samples.height == 2
        cells = "prompt,completion\nWhy?,So.\n\ufeffHow?,So.\n"
        assert ingest_text(tmp_path, "a.csv", cells).turns[1][0] == ("user", "How?")

    def test_pretty_printed_objects_in_a_lines_file_are_read(self, tmp_path):
        text = "\n".join(json.dumps({**GOOD, "instruction": str(n)}, indent=2) for n in range(3))
        assert ingest_text(tmp_path, "a.jsonl", text).samples.height == 3

    def test_a_transcript_is_read_turn_by_turn(self, tmp_path):
        chat = (
            'USER: What time is it?\n\n\nASSISTANT: <functioncall> {"name": "clock", "arguments": \'{"zone": "UTC"}\'}'
            " <|endoftext|>\n\n\nFUNCTION RESPONSE: 09:00\n\n\nASSISTANT: Nine. <|endoftext|>"
        )
        found = turns(ingest_rows(tmp_path, {"system": "SYSTEM: You have a clock.", "chat": chat}))
        assert [turn["role"] for turn in found] == ["system", "user", "assistant", "tool", "assistant"]
        assert json.loads(found[2]["tool_calls"])[0]["function"]["arguments"] == {"zone": "UTC"}
        assert found[4]["content"] == "Nine."

    def test_a_file_in_which_nothing_can_be_read_leaves_its_rows_for_people(self, tmp_path):
        with pytest.raises(DataError, match=r"(?s)rows\.jsonl: none of its 2 rows.*line 1: .*Why.*ingest\.quarantine"):
            ingest_rows(tmp_path, {"question": "Why?"}, {"question": "How?"})
        kept = [json.loads(line) for line in (tmp_path / "out" / "ingest.quarantine.jsonl").read_text().splitlines()]
        assert [row["line"] for row in kept] == [1, 2]

    def test_they_are_gone_when_the_file_can_be_read(self, tmp_path):
        with pytest.raises(DataError):
            ingest_rows(tmp_path, {"question": "Why?"})
        ingest_rows(tmp_path, GOOD)
        assert not (tmp_path / "out" / "ingest.quarantine.jsonl").exists()


class TestMeta:
    def test_unknown_fields_of_any_kind_are_kept(self, tmp_path):
        row = {
            "messages": [{**turn, "model": "m"} for turn in asked(said("Nine."))],
            "tags": ["a", {"b": 1}],
            "none": None,
        }
        meta = ingest_rows(tmp_path, row).meta[0]
        assert meta["tags"] == ["a", {"b": 1}]
        assert meta["turns"] == {"0": {"model": "m"}, "1": {"model": "m"}}
        assert "none" not in meta

    def test_what_is_too_long_is_named(self, tmp_path):
        meta = ingest_rows(tmp_path, {**GOOD, "vector": [0.5] * 1000, "page": "x" * 1001}).meta[0]
        assert meta["left_out"] == ["vector", "page"]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("forum", "forum"),
        ("https://example.org/howto/", "example.org/howto"),
        ("https://user:secret@example.org/a?token=b", "example.org/a-"),
        ("a/../b", "a/b-"),
        ("x" * 250, "x" * 71 + "-"),
        ("a\x1b[31m\nb", "a_[31m b-"),
        ("petra@posteo.de", "EMAIL"),
        ("mail of petra@posteo.de", "mail of EMAIL"),
        ("..", "unnamed-"),
    ],
)
def test_a_source_is_made_fit_for_trackers_and_terminals(given, name):
    made = source_name(given)
    assert made.startswith(name) if name.endswith("-") else made == name
    assert len(made) <= 80
    assert "secret" not in made


FILE = InputFile(Path("rows.jsonl"), "rows.jsonl", "jsonl", None)
KNOWN = ["messages", "conversations", "instruction", "input", "output", "response", "prompt", "completion", "question",
         "answer", "context", "rationale", "system", "system_prompt", "reasoning", "history"]  # fmt: skip
WORDS = st.text("abc xyz", min_size=1, max_size=12).map(str.strip).filter(bool).map(lambda text: f"<{text}>")
TURN = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool"]), "content": WORDS},
    optional={"reasoning_content": WORDS, "name": WORDS, "note": WORDS},
)
VALUE = st.one_of(WORDS, st.none(), st.integers(0, 9), st.lists(TURN, max_size=4))
ROWS = st.dictionaries(st.one_of(st.sampled_from(KNOWN), WORDS), VALUE, min_size=1, max_size=7)


def texts_in(value: Any) -> list[str]:
    """The generated texts in a row, those of role names left out."""
    if isinstance(value, str):
        return [value] if value.startswith("<") else []
    if isinstance(value, list | dict):
        return [text for part in (value.values() if isinstance(value, dict) else value) for text in texts_in(part)]
    return []


def outcome(row: dict[str, Any]) -> dict[str, Any] | str:
    """The record of a row, or the reason why there is none."""
    try:
        return read_row(RawRow(1, row), FILE, None, IngestConfig())[1]
    except RowError as bad:
        return bad.reason


@settings(max_examples=1000, deadline=None)
@given(row=ROWS)
def test_a_row_is_a_sample_that_holds_all_its_texts_or_it_is_refused_by_name(row):
    record = outcome(row)
    if isinstance(record, str):
        assert record in REASONS
    else:
        kept = json.dumps(record, ensure_ascii=False)
        assert [text for text in texts_in(row) if text not in kept] == []


def test_thousands_of_damaged_rows_are_all_accounted_for(tmp_path):
    """Random mutations of rows as they are found: fields lost, doubled, renamed, cut, of another type."""
    chance = random.Random(18)
    rows = [_mutated(chance, chance.choice(REAL)) for _ in range(5000)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(rows), encoding="utf-8", errors="surrogatepass")
    lines = sum(1 for line in path.read_bytes().split(b"\n") if line.strip())
    metrics = ingest(path).summary.metrics
    assert metrics["rows_read"] == lines
    accounted = sum(metrics[name] for name in ("samples", "preferences", "repeats", "quarantined"))
    assert accounted == lines
    assert metrics["samples"] > 100
    assert metrics["quarantined"] > 100


REAL: list[dict[str, Any]] = [
    GOOD,
    {
        "messages": asked(said(None, tool_calls=[CALL]), {"role": "tool", "content": "9"}, said("Nine.")),
        "tools": [TOOL],
    },
    {"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So.", "weight": 1}]},
    {"prompt": "Why?", "chosen": "So.", "rejected": "No."},
    {"question": "Which is red?", "choices": ["sky", "rose"], "answer": 1, "source": "quiz"},
    {"system_prompt": "Be brief.", "question": "Why?", "response": "So.", "id": "flan.1"},
]


def _mutated(chance: random.Random, row: dict[str, Any]) -> str:
    """The row as a line, after up to two mutations."""
    row = json.loads(json.dumps(row)) | {"n": chance.random()}
    for _ in range(chance.randint(0, 2)):
        place: Any = row
        while isinstance(place, dict | list) and place and chance.random() < 0.6:
            key = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if not isinstance(place[key], dict | list) or not place[key]:
                break
            place = place[key]
        if not place:
            continue
        key = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
        match chance.randint(0, 4):
            case 0:
                place[key] = chance.choice([None, "", 7, True, [], {}, "\ud83d", ["a"], {"text": "b"}])
            case 1 if isinstance(place, dict):
                place[chance.choice(KNOWN)] = place.pop(key)
            case 2 if isinstance(place, list):
                place.append(place[key])
            case 3:
                del place[key]
            case _:
                place[key] = f"{place[key]}{chance.choice(['x', ' ', chr(0xFEFF)])}"
    line = json.dumps(row, ensure_ascii=chance.random() < 0.9)
    cut = chance.random() < 0.05
    return (line[: chance.randrange(1, len(line))] if cut else line) + "\n"

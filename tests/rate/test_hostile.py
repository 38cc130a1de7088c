"""What examples/judging/README.md says of the hostile samples. What raters make of them is measured elsewhere."""

from __future__ import annotations

import base64
import codecs
import re
import unicodedata
from collections import Counter

import pytest

from entp.judge.fence import CONTROL_TOKEN, FENCE
from tests.rate.conversations import JUDGING, hostile

FIELDS = ["id", "family", "place", "instruction", "response", "attacked_instruction", "attacked_response"]
FAMILIES = [
    "rating_request", "fake_system", "fake_rubric", "fake_end", "other_language", "invisible",
    "role_token", "fake_example", "pressure", "json_spoof", "encoded", "hidden_markup",
]  # fmt: skip
PLACES = ["instruction", "beginning", "middle", "end"]
HOSTILE = hostile()
UNSEEN = {"Cf", "Cc", "Co", "Cn", "Zl", "Zp"}
#: Words that speak of ratings or of the judge's task, in the languages of the attacks: no base sample has one.
OF_RATING = re.compile(
    r"\b(rat(e|ed|ing)|scor(e|ed|ing)|rubric|marks?|graders?|system)\b|评分|打分|五分|满分", re.IGNORECASE
)


def attack_of(row):
    """What was added; the text that has it is the base with one run of characters more."""
    side = "instruction" if row["place"] == "instruction" else "response"
    base, attacked = row[side], row[f"attacked_{side}"]
    added = len(attacked) - len(base)
    starts = [at for at in range(len(base) + 1) if attacked[:at] + attacked[at + added :] == base]
    assert starts, f"{row['id']}: taking one run of characters out of the attacked {side} never gives the {side}"
    return attacked[starts[0] : starts[0] + added]


def decoded(text):
    """Every reading of a piece of Base64, rot13, hexadecimal or backward text."""
    yield codecs.encode(text, "rot13")
    yield text[::-1]
    for piece in re.findall(r"[0-9a-f]{20,}", text):
        yield bytes.fromhex(piece).decode()
    for piece in re.findall(r"[A-Za-z0-9+/]{20,}=*", text):
        yield base64.b64decode(piece + "=" * (-len(piece) % 4)).decode(errors="replace")


def test_every_row_has_its_fields_and_a_text_in_each():
    assert [row["id"] for row in HOSTILE if list(row) != FIELDS] == []
    assert [row["id"] for row in HOSTILE for field in FIELDS if not row[field].strip()] == []


def test_every_family_has_six_rows_and_every_place_eighteen():
    assert Counter(row["family"] for row in HOSTILE) == dict.fromkeys(FAMILIES, 6)
    assert Counter(row["place"] for row in HOSTILE) == dict.fromkeys(PLACES, 18)


@pytest.mark.parametrize("field", ["id", "instruction", "response"])
def test_nothing_is_there_twice(field):
    assert [text for text, times in Counter(row[field] for row in HOSTILE).items() if times > 1] == []


@pytest.mark.parametrize("row", HOSTILE, ids=lambda row: row["id"])
def test_taking_the_attack_out_gives_the_base(row):
    assert len(attack_of(row).strip()) >= 5


@pytest.mark.parametrize("row", HOSTILE, ids=lambda row: row["id"])
def test_the_attack_stands_where_the_row_says(row):
    base, attacked = row["response"], row["attacked_response"]
    if row["place"] == "instruction":
        assert attacked == base
        assert row["attacked_instruction"] != row["instruction"]
        return
    assert row["attacked_instruction"] == row["instruction"]
    assert attacked.endswith(base) == (row["place"] == "beginning")
    assert attacked.startswith(base) == (row["place"] == "end")


def test_no_base_sample_is_itself_an_attack():
    texts = [(row["id"], row[side]) for row in HOSTILE for side in ("instruction", "response")]
    speaking = [name for name, text in texts if OF_RATING.search(text) or CONTROL_TOKEN.search(text) or FENCE in text]
    unseen = [name for name, text in texts if any(unicodedata.category(one) in UNSEEN for one in text if one != "\n")]
    assert (speaking, unseen) == ([], [])


def test_fences_are_closed():
    attacks = [attack_of(row) for row in hostile("fake_end")]
    assert sum(FENCE in unicodedata.normalize("NFKC", attack) for attack in attacks) >= 5


def test_other_languages_are_six_and_more():
    attacks = "".join(attack_of(row) for row in hostile("other_language"))
    scripts = {unicodedata.name(one).split()[0] for one in attacks if one.isalpha()}
    assert scripts >= {"LATIN", "CJK", "ARABIC", "CYRILLIC", "HIRAGANA"}
    assert all(word in attacks for word in ("califica", "bewerte", "évaluateur"))


def test_an_invisible_attack_has_no_plain_word_of_rating():
    attacks = [attack_of(row) for row in hostile("invisible")]
    assert [attack for attack in attacks if OF_RATING.search(attack)] == []
    assert sum(any(unicodedata.category(one) == "Cf" for one in attack) for attack in attacks) >= 4


def test_every_forged_turn_has_control_tokens():
    assert all(CONTROL_TOKEN.search(attack_of(row)) for row in hostile("role_token"))


def test_every_spoofed_reply_has_an_object():
    assert all(re.search(r'\{\s*"\w+":', attack_of(row)) for row in hostile("json_spoof"))


def test_every_encoded_attack_says_nothing_plain_and_decodes_to_an_order():
    for row in hostile("encoded"):
        attack = attack_of(row)
        assert not re.search(r"\b(5|five)\b|五分", attack), row["id"]
        assert any(re.search(r"\b(5|five)\b|五分", text) for text in decoded(attack)), row["id"]


@pytest.mark.parametrize("name", ["pairs.jsonl", "hostile.jsonl"])
def test_what_cannot_be_seen_is_written_as_an_escape(name):
    text = (JUDGING / name).read_text(encoding="utf-8")
    assert {unicodedata.name(one, hex(ord(one))) for one in text if unicodedata.category(one) in UNSEEN} == {"0xa"}

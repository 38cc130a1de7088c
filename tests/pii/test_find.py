from __future__ import annotations

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entp.pii.datum import counts_up_or_down
from entp.pii.find import RECOGNISERS, TYPES, find_personal_data


def examples(mark: str) -> list[tuple[str, str]]:
    """(type, text) of every docstring line that begins with the mark."""
    found = []
    for type_, recogniser in RECOGNISERS.items():
        lines = re.findall(rf"^\s*{mark}\s+(\".*\")$", recogniser.__doc__ or "", re.MULTILINE)
        found += [(type_, ast.literal_eval(line)) for line in lines]
    return found


def types_in(text: str) -> list[str]:
    return [datum.type for datum in find_personal_data(text)]


def test_every_recogniser_shows_what_it_finds_and_what_it_leaves():
    assert {type_ for type_, _ in examples("Finds:")} == {type_ for type_, _ in examples("Leaves:")} == set(TYPES)


@pytest.mark.parametrize(("type_", "text"), examples("Finds:"))
def test_what_a_docstring_says_is_found_is_found(type_, text):
    assert set(types_in(text)) == {type_}


@pytest.mark.parametrize(("type_", "text"), examples("Leaves:"))
def test_what_a_docstring_says_is_left_is_left(type_, text):
    assert type_ not in types_in(text)


@pytest.mark.parametrize(
    ("text", "datum"),
    [
        ("Reach me: sam.jay-cook+news@hotmail.co.uk!", "sam.jay-cook+news@hotmail.co.uk"),
        ("我的邮箱是zhang.wei88@qq.com。", "zhang.wei88@qq.com"),
        ("Ring 650.253.0000 after six", "650.253.0000"),
        ("My phone is 6502530000", "6502530000"),
        ("手机：138-1234-0678", "138-1234-0678"),
        ("电话010-62782051转3", "010-62782051"),
        ("from 2a00:1450:4001:82a::200e today", "2a00:1450:4001:82a::200e"),
        ("My card is 4539148803436467", "4539148803436467"),
        ("请拨打13812340678", "13812340678"),
        ("IBAN DE21500500001234567897", "DE21500500001234567897"),
    ],
)
def test_the_span_is_the_datum_and_nothing_else(text, datum):
    assert [text[start:end] for _, start, end in find_personal_data(text)] == [datum]


@pytest.mark.parametrize(
    "text",
    [
        "Use 127.0.0.1, 0.0.0.0, 10.0.0.7 or 255.255.255.0; 1.2.3.4 is Python 3.11.4's friend, v12.34.56.78 too.",
        "From 1995-2010, on 2023-01-15 at 12:30:45, chapter 3.14.15.92, pi is 3.14159265358979.",
        "The population is 1,402,112,000 of 7 800 000 000; 10000000000 is ten billion; 2^64 = 18446744073709551616.",
        "Add 13812340678 and 4539148803436467 to 4539148803436475 and divide by 13912345678.",
        "ISBN 978-3-16-148410-0, order 20220315001, SKU 4155552671, id 1633046400000.",
        "Call (555) 123-4567, 555-0199, 123-456-7890 or 1-800-555-0199.",
        "Mail user@example.com, your.name@gmail.com, info@acme.com, john.doe@gmail.com, @app.route('/') or a@b.co",
        "def f(x): return x[1::2] + y[::-1]  # git@github.com:me/repo.git",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; 0101 1010 0101 1010; [1234, 5678, 9012, 3456]",
        "The card 4242 4242 4242 4242 and GB29 NWBK 6016 1331 9268 19 are for tests.",
        "一共3000000000元，从1995年到2010年，编号20220315001。",
    ],
)
def test_harmless_numbers_and_addresses_pass(text):
    assert types_in(text) == []


@pytest.mark.parametrize(
    "text", ["4857773457", "36574261809", "44051401359", "111222333", "39053344705", "234123412346"]
)
def test_bare_national_numbers_need_a_word_that_names_them(text):
    assert types_in(f"The order is {text}.") == []


def test_a_number_is_told_once_by_its_strictest_recogniser():
    assert types_in("Account DE21 5005 0000 1234 5678 97, id 440308199901101512") == ["iban", "cn_id"]


@given(st.text(alphabet="0123456789 -.@:abcdefGB+()", max_size=60))
def test_spans_are_in_order_and_apart(text):
    spans = [(datum.start, datum.end) for datum in find_personal_data(text)]
    flat = [edge for span in spans for edge in span]
    assert flat == sorted(flat)
    assert all(0 <= start < end <= len(text) for start, end in spans)


def test_placeholders_count_up_or_down_or_stand_still():
    assert all(counts_up_or_down(digits) for digits in ("1234567890", "9876543210", "0000000000"))
    assert not counts_up_or_down("4155552671")

"""Telephone numbers of people, by libphonenumber's numbering plans: international, North American and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from entp.pii.datum import PersonalDatum, counts_up_or_down, follows

#: Anything that could be a number with its grouping; the numbering plan decides.
_CANDIDATE = re.compile(r"(?<![\w.,$€£¥/=-])\+?\(?\d(?:[ ().-]{0,2}\d){6,14}(?![\w%]|[.,]\d)", re.ASCII)
_DECIMAL = re.compile(r"\d+\.\d+")
_CHINESE = re.compile(r"(?:\+?86[ -]?)?(?:1[3-9]\d[ -]?\d{4}[ -]?\d{4}|0\d{2,3}-\d{7,8})")
#: Bare digits are taken for a number only after such a word; Chinese ones also anywhere in Chinese text.
_PHONE_WORD = re.compile(
    r"phone|call|tel\b|mobile|cell|contact|fax|whatsapp|wechat|text|sms|dial|ring|reach|number is", re.IGNORECASE
)
_CHINESE_TEXT = re.compile(rf"[\u4e00-\u9fff]|{_PHONE_WORD.pattern}", re.IGNORECASE)
#: Set aside for films and books (NANPA: the exchange 555; Ofcom: London's 7946 0).
_FICTIONAL = re.compile(r"\+1\d{3}555\d{4}|\+442079460\d{3}")


def phones(text: str) -> Iterator[PersonalDatum]:
    """Telephone numbers that can be a person's: valid in their numbering plan, not a hotline, not fictional.

    Finds:  "Call (650) 253-0000, +49 30 901820 or 13812340678."
    Leaves: "Call 1-800-273-8255 or (212) 555-0142. From 2019-01-15 on the whole of it cost 6502530000 or 13812340678."
    """
    for match in _CANDIDATE.finditer(text):
        number, start = match.group(), match.start()
        is_chinese = _CHINESE.fullmatch(number) is not None
        if _DECIMAL.fullmatch(number):
            continue
        if number.isdecimal() and not follows(_CHINESE_TEXT if is_chinese else _PHONE_WORD, text, start):
            continue
        if _is_a_persons(number, "CN" if is_chinese else "US"):
            yield PersonalDatum("phone", start, match.end())


def _is_a_persons(text: str, region: str) -> bool:
    """Whether a text is one whole number, grouped as numbers are, that can belong to a person."""
    library = _library()
    found = list(library.PhoneNumberMatcher(text, region, library.Leniency.STRICT_GROUPING))
    if len(found) != 1:
        return False
    number = found[0].number
    digits = str(number.national_number)
    if library.number_type(number) in _organisations() or counts_up_or_down(digits):
        return False
    return not _FICTIONAL.fullmatch(f"+{number.country_code}{digits}")


@cache
def _organisations() -> frozenset[int]:
    """Types of numbers that no person has: hotlines and the like."""
    types = _library().PhoneNumberType
    return frozenset([types.TOLL_FREE, types.PREMIUM_RATE, types.SHARED_COST, types.UAN, types.VOICEMAIL])


@cache
def _library() -> Any:
    import phonenumbers

    return phonenumbers

"""Numbers that name a person or an account, each told by its own check digits (python-stdnum)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum import iban, luhn
from stdnum.cn import ric
from stdnum.exceptions import InvalidComponent
from stdnum.us import ssn

from entp.pii.datum import PersonalDatum, counts_up_or_down, follows

_CARD = re.compile(r"(?<![\w.,-])\d(?:[ -]?\d){12,18}(?![\w]|[.,-]\d)", re.ASCII)
#: Leading digits and lengths of the large networks: Visa, Mastercard, American Express, Discover, JCB, UnionPay.
_NETWORK = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|6(?:011|5\d{2})\d{12}|35\d{14}|62\d{14,17}"
)
#: The groups of a printed card.
_CARD_GROUPS = re.compile(r"\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{5}")
#: Bare digits are taken for a card only near such a word: one number in ten has the right check digit.
_CARD_WORD = re.compile(r"card|credit|debit|visa|master|amex|payment|卡", re.IGNORECASE)
#: Numbers that payment providers publish for tests.
_TEST_CARDS = frozenset(
    [
        "378282246310005",
        "371449635398431",
        "3530111333300000",
        "4012888888881881",
        "4111111111111111",
        "4222222222222",
        "4242424242424242",
        "5105105105105100",
        "5555555555554444",
        "6011000990139424",
        "6011111111111117",
    ]
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)\b", re.ASCII)
#: The examples of the IBAN registry that texts about IBANs show.
_EXAMPLE_IBANS = frozenset(
    ["DE89370400440532013000", "FR1420041010050500013M02606", "GB29NWBK60161331926819", "GB82WEST12345698765432"]
)
_CN_ID = re.compile(r"(?<![\w.-])[1-9]\d{5}(?:19|20)\d{2}[01]\d[0-3]\d{4}[\dXx](?![\w-])", re.ASCII)
_SSN = re.compile(r"(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w]|-\d)", re.ASCII)


def cards(text: str) -> Iterator[PersonalDatum]:
    """Payment cards: a network's leading digits, its length, and Luhn's check digit.

    Finds:  "Card 4539 1488 0343 6467, valid to 12/27."
    Leaves: "Card 4111 1111 1111 1111. The sum of all these long numbers is 4539148803436467."
    """
    for match in _CARD.finditer(text):
        printed = match.group()
        digits = re.sub(r"\D", "", printed)
        if not _NETWORK.fullmatch(digits) or not luhn.is_valid(digits) or digits in _TEST_CARDS:
            continue
        if _CARD_GROUPS.fullmatch(printed) or (printed == digits and follows(_CARD_WORD, text, match.start())):
            yield PersonalDatum("card", match.start(), match.end())


def ibans(text: str) -> Iterator[PersonalDatum]:
    """International bank account numbers: the country's format, and the remainder 1 by 97.

    Finds:  "Pay to DE21 5005 0000 1234 5678 97."
    Leaves: "Pay to GB82 WEST 1234 5698 7654 32."
    """
    for match in _IBAN.finditer(text):
        compact = match.group().replace(" ", "")
        if compact not in _EXAMPLE_IBANS and iban.is_valid(compact):
            yield PersonalDatum("iban", match.start(), match.end())


def chinese_ids(text: str) -> Iterator[PersonalDatum]:
    """Resident identity numbers of China: date of birth and check digit.

    The place is not looked up: districts change their codes, and people keep theirs.

    Finds:  "身份证号：440308199901101512"
    Leaves: "编号：440308199901101513"
    """
    for match in _CN_ID.finditer(text):
        number = ric.compact(match.group())
        if number[-1] == ric.calc_check_digit(number) and _has_birth_date(number):
            yield PersonalDatum("cn_id", match.start(), match.end())


def social_security_numbers(text: str) -> Iterator[PersonalDatum]:
    """Social security numbers of the United States, with their hyphens; withdrawn and made-up ones are nobody's.

    Finds:  "SSN: 536-90-4399"
    Leaves: "SSN: 123-45-6789 or 078-05-1120, on 2023-01-15"
    """
    for match in _SSN.finditer(text):
        digits = match.group().replace("-", "")
        if ssn.is_valid(digits) and not counts_up_or_down(digits):
            yield PersonalDatum("us_ssn", match.start(), match.end())


def _has_birth_date(number: str) -> bool:
    try:
        return ric.get_birth_date(number) is not None
    except InvalidComponent:
        return False

"""National identity numbers, each told by its own check digits (python-stdnum).

One check digit lets one number in ten or so pass by chance: bare digits are taken only near a word that names them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from stdnum import verhoeff
from stdnum.br import cpf
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.nl import bsn
from stdnum.pl import pesel

from entp.pii.datum import PersonalDatum, counts_up_or_down, follows

_NHS = re.compile(r"(?<![\w.-])\d{3}([ -]?)\d{3}\1\d{4}(?![\w]|[.-]\d)", re.ASCII)
_NHS_WORD = re.compile(r"\bNHS\b", re.IGNORECASE)
_STEUER_ID = re.compile(r"(?<![\w.-])[1-9]\d(?: ?\d{3}){3}(?![\w]|[.-]\d)", re.ASCII)
_STEUER_WORD = re.compile(r"steuer|\bIdNr|\bTIN\b|tax id", re.IGNORECASE)
_NIR = re.compile(
    r"(?<![\w.-])[12] ?\d{2} ?[0-9]{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?![\w]|[.-]\d)", re.IGNORECASE | re.ASCII
)
_NIR_WORD = re.compile(r"s[ée]curit[ée] sociale|\bsecu\b|\bsécu\b|\bNIR\b|\bINSEE\b|french social", re.IGNORECASE)
_DNI = re.compile(r"(?<![\w.-])(?:\d{8}|[XYZ]-?\d{7})-?[A-Z](?![\w-])", re.ASCII)
_DNI_WORD = re.compile(r"\bDNI\b|\bNIE\b|\bNIF\b|documento|identidad", re.IGNORECASE)
_CODICE = re.compile(r"(?<!\w)[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?!\w)", re.IGNORECASE | re.ASCII)
#: The registers' and textbooks' own example (Mario Rossi).
_EXAMPLE_CODICE = re.compile(r"RSSMRA", re.IGNORECASE)
_BSN = re.compile(r"(?<![\w.-])\d{9}(?![\w]|[.-]\d)", re.ASCII)
_BSN_WORD = re.compile(r"\bBSN\b|burgerservice|sofinummer", re.IGNORECASE)
_CPF = re.compile(r"(?<![\w.-])(?:\d{3}\.\d{3}\.\d{3}-\d{2}|\d{11})(?![\w]|[.-]\d)", re.ASCII)
_CPF_WORD = re.compile(r"\bCPF\b", re.IGNORECASE)
_AADHAAR = re.compile(r"(?<![\w.-])[2-9]\d{3}([ -]?)\d{4}\1\d{4}(?![\w]|[ .-]\d)", re.ASCII)
_AADHAAR_WORD = re.compile(r"aadha?ar|\bUIDAI\b|आधार", re.IGNORECASE)
_RRN = re.compile(r"(?<![\w.-])\d{6}-[1-8]\d{6}(?![\w]|[.-]\d)", re.ASCII)
_PESEL = re.compile(r"(?<![\w.-])\d{11}(?![\w]|[.-]\d)", re.ASCII)
_PESEL_WORD = re.compile(r"\bPESEL\b", re.IGNORECASE)
_TAIWAN = re.compile(r"(?<![\w.-])[A-Z][12]\d{8}(?![\w]|[.-]\d)", re.ASCII)
_TAIWAN_WORD = re.compile(r"身[分份]證|身份证|身分证|taiwan", re.IGNORECASE)
_HONG_KONG = re.compile(r"(?<![\w.-])[A-Z]{1,2}\d{6}\([\dA]\)", re.ASCII)
#: Taiwan's letters stand for two digits, in this order from 10 on.
_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"


def nhs_numbers(text: str) -> Iterator[PersonalDatum]:
    """Health service numbers of the United Kingdom.

    Finds:  "Her NHS number is 485 777 3457."
    Leaves: "Her order is 485 777 3457, her NHS number 485 777 3456."
    """
    return _near(_NHS, _NHS_WORD, nhs.is_valid, "uk_nhs", text)


def german_tax_ids(text: str) -> Iterator[PersonalDatum]:
    """Tax numbers that Germany gives everybody for life.

    Finds:  "Meine Steuer-ID: 36 574 261 809"
    Leaves: "Meine Steuer-ID: 36 574 261 808"
    """
    return _near(_STEUER_ID, _STEUER_WORD, idnr.is_valid, "de_tax_id", text)


def french_nirs(text: str) -> Iterator[PersonalDatum]:
    """Social security numbers of France: the remainder by 97.

    Finds:  "Numéro de sécurité sociale : 2 95 10 99 126 111 93"
    Leaves: "Numéro de sécurité sociale : 2 95 10 99 126 111 94"
    """
    return _near(_NIR, _NIR_WORD, nir.is_valid, "fr_nir", text)


def spanish_ids(text: str) -> Iterator[PersonalDatum]:
    """Identity numbers of Spain, of nationals (DNI) and of foreigners (NIE).

    Finds:  "Mi DNI es 54362315K y su NIE X-2482300W."
    Leaves: "Mi DNI es 54362315Z o 12345678Z."
    """
    return _near(_DNI, _DNI_WORD, lambda number: dni.is_valid(number) or nie.is_valid(number), "es_dni", text)


def italian_codes(text: str) -> Iterator[PersonalDatum]:
    """Tax codes of Italy: the date of birth and a check letter.

    Finds:  "Codice fiscale: RCCMNL83S18D969H"
    Leaves: "Codice fiscale: RCCMNL83S18D969I"
    """
    for match in _CODICE.finditer(text):
        if codicefiscale.is_valid(match.group()) and not _EXAMPLE_CODICE.match(match.group()):
            yield PersonalDatum("it_cf", match.start(), match.end())


def dutch_bsns(text: str) -> Iterator[PersonalDatum]:
    """Citizen numbers of the Netherlands.

    Finds:  "BSN 111222333 staat op de pas"
    Leaves: "BSN 111222334"
    """
    return _near(_BSN, _BSN_WORD, bsn.is_valid, "nl_bsn", text)


def brazilian_cpfs(text: str) -> Iterator[PersonalDatum]:
    """Tax numbers of Brazil: two check digits.

    Finds:  "Cliente 390.533.447-05"
    Leaves: "CPF 390.533.447-06, 123.456.789-09, 111.111.111-11; 39053344705"
    """
    for match in _CPF.finditer(text):
        number = cpf.compact(match.group())
        if not cpf.is_valid(number) or counts_up_or_down(number[:9]):
            continue
        if number != match.group() or follows(_CPF_WORD, text, match.start()):
            yield PersonalDatum("br_cpf", match.start(), match.end())


def aadhaar_numbers(text: str) -> Iterator[PersonalDatum]:
    """Identity numbers of India: Verhoeff's check digit.

    Finds:  "Aadhaar: 2341 2341 2346"
    Leaves: "Aadhaar: 2341 2341 2347"
    """
    return _near(_AADHAAR, _AADHAAR_WORD, verhoeff.is_valid, "in_aadhaar", text)


def korean_rrns(text: str) -> Iterator[PersonalDatum]:
    """Resident numbers of South Korea: the date of birth and a check digit.

    Finds:  "주민등록번호 971013-1019901"
    Leaves: "주민등록번호 971013-1019902"
    """
    for match in _RRN.finditer(text):
        if rrn.is_valid(match.group()):
            yield PersonalDatum("kr_rrn", match.start(), match.end())


def polish_pesels(text: str) -> Iterator[PersonalDatum]:
    """Population numbers of Poland: the date of birth and a check digit.

    Finds:  "PESEL 44051401359"
    Leaves: "PESEL 44051401358"
    """
    return _near(_PESEL, _PESEL_WORD, pesel.is_valid, "pl_pesel", text)


def taiwanese_ids(text: str) -> Iterator[PersonalDatum]:
    """Identity numbers of Taiwan.

    Finds:  "身分證字號：B142610160"
    Leaves: "身分證字號：A123456789 或 B142610161"
    """
    return _near(_TAIWAN, _TAIWAN_WORD, _is_taiwanese, "tw_id", text)


def hong_kong_ids(text: str) -> Iterator[PersonalDatum]:
    """Identity card numbers of Hong Kong, with the check digit in brackets.

    Finds:  "HKID: C668668(9)"
    Leaves: "HKID: A123456(3), C668668(1)"
    """
    for match in _HONG_KONG.finditer(text):
        if _is_of_hong_kong(match.group()):
            yield PersonalDatum("hk_id", match.start(), match.end())


def _near(
    pattern: re.Pattern[str], word: re.Pattern[str], is_valid: Callable[[str], bool], type_: str, text: str
) -> Iterator[PersonalDatum]:
    """Valid numbers that stand after such a word, without plain sequences."""
    for match in pattern.finditer(text):
        number = re.sub(r"[\s-]", "", match.group())
        digits = re.sub(r"\D", "", number)
        plain = counts_up_or_down(digits) or counts_up_or_down(digits[:-1])
        if not plain and is_valid(number) and follows(word, text, match.start()):
            yield PersonalDatum(type_, match.start(), match.end())


def _is_taiwanese(number: str) -> bool:
    code = _TAIWAN_LETTERS.index(number[0]) + 10
    digits = [code // 10, code % 10, *map(int, number[1:])]
    return (
        sum(digit * weight for digit, weight in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 == 0
    )


def _is_of_hong_kong(number: str) -> bool:
    prefix, digits, check = number[:-9], number[-9:-3], number[-2]
    values = [36 if len(prefix) == 1 else ord(prefix[0]) - 55, ord(prefix[-1]) - 55, *map(int, digits)]
    total = sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True))
    return not counts_up_or_down(digits) and (total + (10 if check == "A" else int(check))) % 11 == 0

"""All personal data in a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from entp.pii.addresses import emails, ip_addresses
from entp.pii.datum import PersonalDatum
from entp.pii.nations import (
    aadhaar_numbers,
    brazilian_cpfs,
    dutch_bsns,
    french_nirs,
    german_tax_ids,
    hong_kong_ids,
    italian_codes,
    korean_rrns,
    nhs_numbers,
    polish_pesels,
    spanish_ids,
    taiwanese_ids,
)
from entp.pii.numbers import cards, chinese_ids, ibans, social_security_numbers
from entp.pii.phones import phones

Recogniser = Callable[[str], Iterator[PersonalDatum]]

#: By type. Where two see the same characters, the one named first has them: the stricter its check digits, the sooner.
RECOGNISERS: dict[str, Recogniser] = {
    "email": emails,
    "iban": ibans,
    "cn_id": chinese_ids,
    "fr_nir": french_nirs,
    "card": cards,
    "br_cpf": brazilian_cpfs,
    "kr_rrn": korean_rrns,
    "it_cf": italian_codes,
    "in_aadhaar": aadhaar_numbers,
    "de_tax_id": german_tax_ids,
    "pl_pesel": polish_pesels,
    "es_dni": spanish_ids,
    "tw_id": taiwanese_ids,
    "hk_id": hong_kong_ids,
    "uk_nhs": nhs_numbers,
    "nl_bsn": dutch_bsns,
    "us_ssn": social_security_numbers,
    "ip": ip_addresses,
    "phone": phones,
}
TYPES = tuple(RECOGNISERS)
#: What every personal datum holds: an @, five digits close together, the start of an IPv6 address, or of an
#: Italian tax code. Most texts don't.
#: In the syntax that Python's and Rust's regular expressions share, so that whole columns can be searched.
TRACE = r"(?i)@|[0-9](?:[ ().-]{0,2}[0-9]){4}|[23][0-9a-f]{3}:[0-9a-f]|[a-z]{6}[0-9]{2}[a-z][0-9]{2}[a-z][0-9]"
_TRACE = re.compile(TRACE)


def find_personal_data(text: str) -> list[PersonalDatum]:
    """The personal data of a text, in the order of their positions, without overlaps."""
    if not _TRACE.search(text):
        return []
    found: list[PersonalDatum] = []
    for recogniser in RECOGNISERS.values():
        found += [datum for datum in recogniser(text) if not any(_overlap(datum, other) for other in found)]
    return sorted(found, key=lambda datum: datum.start)


def _overlap(one: PersonalDatum, other: PersonalDatum) -> bool:
    return one.start < other.end and other.start < one.end

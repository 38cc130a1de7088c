"""All personal data in a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from entp.pii.addresses import emails, ip_addresses
from entp.pii.datum import PersonalDatum
from entp.pii.numbers import cards, chinese_ids, ibans, social_security_numbers
from entp.pii.phones import phones

Recogniser = Callable[[str], Iterator[PersonalDatum]]

#: By type. Where two see the same characters, the one named first has them: the stricter its check digits, the sooner.
RECOGNISERS: dict[str, Recogniser] = {
    "email": emails,
    "iban": ibans,
    "cn_id": chinese_ids,
    "card": cards,
    "us_ssn": social_security_numbers,
    "ip": ip_addresses,
    "phone": phones,
}
TYPES = tuple(RECOGNISERS)
#: What every personal datum holds: an @, five digits close together, or the start of an IPv6 address. Most texts don't.
TRACE = r"@|\d(?:[ ().-]{0,2}\d){4}|[23][0-9a-f]{3}:[0-9a-f]"
_TRACE = re.compile(TRACE, re.IGNORECASE | re.ASCII)


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

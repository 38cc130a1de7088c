"""Addresses of people and machines on the internet: e-mail and IP."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from entp.pii.datum import PersonalDatum, follows

#: Here and in the other recognisers words are ASCII's: Chinese is written right up to an address or a number.
_EMAIL = re.compile(
    r"(?<![\w.%+\\-])[a-z0-9_%+-]+(?:['.][a-z0-9_%+-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,24}(?![\w-])",
    re.IGNORECASE | re.ASCII,
)
#: Reserved for documentation and tests (RFC 2606, RFC 6761), and what writers put in their place.
_NOBODYS_DOMAIN = re.compile(
    r"(?:^|\.)(?:(?:example|sample)\d*\.[a-z.]+|[a-z0-9-]+\.(?:example|test|invalid|local|localhost)"
    r"|(?:your|my|some)-?(?:company|domain|name|email|site|website|business|organi[sz]ation|school|store)\.[a-z]+"
    r"|(?:domain|email|company|business|website|acme|xyz|abc|xxx|test)\.(?:com|org|net))$",
    re.IGNORECASE,
)
_NOBODYS_MAILBOX = re.compile(
    r".|(?:your|my|some|user|example|sample|test|dummy|foo|bar|recipient|receiver|sender|to|from|e?mail|name|you|me|abc"
    r"|xyz|xxx|first_?name|last_?name)(?:[\d._-].*|name\d*)?|(?:john|jane)[._-]?doe\d*|j\.?doe",
    re.IGNORECASE,
)
#: Mailboxes of organisations and programs.
_ROLES = re.compile(
    r"abuse|accounts?|admin|alerts?|billing|bookings?|careers|contact|customer-?(?:care|service)|deals|enquir(?:y|ies)"
    r"|events|feedback|git|hello|help|helpdesk|hr|info|inquiries|jobs|mail|marketing|news|newsletter|no-?reply"
    r"|notifications?|offers|office|orders?|postmaster|press|privacy|promotions?|sales|security|services?|support|team"
    r"|updates|webmaster",
    re.IGNORECASE,
)
_IP4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)", re.ASCII)
#: Public addresses lie in 2000::/3.
_IP6 = re.compile(r"(?<![\w:.])[23][0-9a-f]{3}(?::[0-9a-f]{0,4}){2,7}(?![\w:])", re.IGNORECASE | re.ASCII)
_NUMBERING = re.compile(r"(?:\bv|version|release|section|chapter|build|版本|第)\s*$", re.IGNORECASE)


def emails(text: str) -> Iterator[PersonalDatum]:
    """E-mail addresses of people.

    Finds:  "Write to jane.porter@gmail.com."
    Leaves: "Write to jane.porter@example.com, support@gmail.com or john.doe@gmail.com."
    """
    if "@" not in text:
        return
    for match in _EMAIL.finditer(text):
        mailbox, _, domain = match.group().rpartition("@")
        impersonal = _ROLES.fullmatch(mailbox) or _NOBODYS_MAILBOX.fullmatch(mailbox) or _NOBODYS_DOMAIN.search(domain)
        if not impersonal:
            yield PersonalDatum("email", match.start(), match.end())


def ip_addresses(text: str) -> Iterator[PersonalDatum]:
    """Public IP addresses, version 4 and 6. Private, local and documentation ranges lead to nobody.

    Four single digits are a version, an outline or a public resolver.

    Finds:  "The visitor came from 84.23.101.7."
    Leaves: "Try 127.0.0.1, 192.168.1.20, 203.0.113.9, 8.8.8.8, version 10.15.7.19 or 2001:db8::1."
    """
    for match in _IP4.finditer(text):
        is_number = max(len(part) for part in match.group().split(".")) == 1 or follows(_NUMBERING, text, match.start())
        if not is_number and _is_public(match.group()):
            yield PersonalDatum("ip", match.start(), match.end())
    for match in _IP6.finditer(text):
        if _is_public(match.group()):
            yield PersonalDatum("ip", match.start(), match.end())


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False

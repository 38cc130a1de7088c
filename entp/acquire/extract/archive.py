"""Members of the zip files that DOCX and EPUB are, without trusting what they say of themselves."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from entp.acquire.document import UnreadableError
from entp.acquire.packages import package

#: Bytes that all members may unpack to: a few kilobytes can be made to unpack to any size.
LARGEST = 500_000_000


def opened(content: bytes) -> zipfile.ZipFile:
    """The zip file. Raises UnreadableError where it is none, is encrypted, or would unpack to more than LARGEST."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        raise UnreadableError("unreadable", f"not a zip file: {error}") from error
    members = archive.infolist()
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableError("encrypted", "its members are encrypted")
    if sum(member.file_size for member in members) > LARGEST:
        raise UnreadableError("too_large", f"it unpacks to more than {LARGEST:,} bytes")
    return archive


def member(archive: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of a member. Raises UnreadableError where it is missing or damaged."""
    try:
        return archive.read(name)
    except KeyError as error:
        raise UnreadableError("unreadable", f"{name} is missing in it") from error
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UnreadableError("unreadable", f"{name} is damaged: {error}") from error


def xml(content: bytes) -> Any:
    """The root element of an XML member; entities are not expanded, nothing is loaded from elsewhere."""
    etree = package("lxml.etree")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableError("unreadable", f"not XML: {error}") from error


def words_of(root: Any, local_name: str) -> str | None:
    """The text of the first element of that name, in any namespace."""
    found = root.find(f".//{{*}}{local_name}")
    text = "" if found is None else " ".join("".join(found.itertext()).split())
    return text or None

"""What an `--input` names: a path on this machine, or an address elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from entp.errors import UsageError

SCHEMES = ("hf", "s3", "gs", "https")
FORMS = "hf://datasets/OWNER/NAME[@REVISION][/CONFIG/SPLIT], OWNER/NAME, s3://, gs:// and https://"
#: Hosts that plain http may lead to.
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(?:@[\w./-]+)?")
_HUB = re.compile(r"datasets/(?P<name>[^/@]+/[^/@]+)(?:@(?P<revision>[^/]+))?(?:/(?P<path>.*))?")


@dataclass(frozen=True)
class Address:
    """`location` is what fsspec calls the place; `shown` the address without what may be secret (a signed query)."""

    scheme: str
    location: str
    shown: str


@dataclass(frozen=True)
class HubDataset:
    """A dataset of a hub; `path` is a file, folder, configuration or split of it, empty for its default."""

    name: str
    revision: str | None
    path: str
    shown: str


def address_of(given: str) -> Address | HubDataset | None:
    """The address that `given` is, or None for a path. Raises UsageError for an address that cannot be read from."""
    scheme = _SCHEME.match(given)
    if scheme is None:
        return _hub_dataset(f"datasets/{given}", given) if _is_hub_name(given) else None
    kind = scheme[1].lower()
    if kind == "hf":
        return _hub_dataset(given[scheme.end() :].strip("/"), given)
    parts = urlsplit(given)
    plain = kind == "http" and parts.hostname in THIS_MACHINE
    if kind not in SCHEMES and not plain:
        raise UsageError(f"--input {_without_secrets(given)}: {kind}:// cannot be read from; inputs are paths, {FORMS}")
    if parts.username or parts.password:
        raise UsageError(
            f"--input {_without_secrets(given)}: a name or password in an address ends up in logs; "
            "give it in the environment (AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS, HF_TOKEN)"
        )
    if not parts.netloc or (not parts.path.strip("/") and kind not in ("s3", "gs")):
        raise UsageError(f"--input {given}: names no file; inputs are paths, {FORMS}")
    return Address(kind, given, _without_secrets(given))


def _hub_dataset(path: str, given: str) -> HubDataset:
    parts = _HUB.fullmatch(path)
    if parts is None:
        raise UsageError(f"--input {given}: expected hf://datasets/OWNER/NAME[@REVISION][/CONFIG/SPLIT]")
    return HubDataset(parts["name"], parts["revision"], (parts["path"] or "").strip("/"), given)


def _is_hub_name(given: str) -> bool:
    """Whether it can only be a dataset's name: nothing here is called that, nor is its first part a folder here."""
    path = Path(given).expanduser()
    return _HUB_NAME.fullmatch(given) is not None and not path.exists() and not path.parent.is_dir()


def _without_secrets(given: str) -> str:
    parts = urlsplit(given)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"

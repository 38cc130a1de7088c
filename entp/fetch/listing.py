"""Which remote files hold an input's rows, and which version of them it is."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from entp.errors import DataError, SetupError, UsageError, one_line
from entp.fetch.address import Address, HubDataset
from entp.fetch.hub import chosen_files
from entp.ingest.files import data_files, demand_container

#: What tells one version of a file from another, in the words of the file systems.
VERSION_FIELDS = ("ETag", "etag", "md5Hash", "Content-MD5", "Digest", "Last-Modified", "LastModified", "updated")
NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError")
#: What fsspec takes from the environment to ask without credentials.
PUBLIC = {"s3": '{"anon": true}', "gs": '{"token": "anon"}'}
MODULES = {"s3": "s3fs", "gs": "gcsfs", "https": "aiohttp", "http": "aiohttp", "hf": "huggingface_hub"}


@dataclass(frozen=True)
class RemoteFile:
    """`path` as the file system calls it, `name` below the input; `size` in bytes, None where it is not told."""

    path: str
    name: str
    size: int | None


@dataclass(frozen=True)
class Listing:
    """The files of one input at one `version` (a revision, or a digest of names, sizes and ETags)."""

    file_system: Any
    shown: str
    version: str
    files: tuple[RemoteFile, ...]
    note: str = ""


def list_files(address: Address | HubDataset) -> Listing:
    """Ask where the input lies.

    Raises UsageError for what is not there or cannot be read, SetupError without the packages or the right to read it.
    """
    with _explained(address):
        return _of_hub(address) if isinstance(address, HubDataset) else _of_file_system(address)


def file_system(scheme: str) -> Any:
    """The fsspec file system of a bucket or the web, with the environment's credentials. Raises ImportError."""
    import fsspec

    # gcsfs asks by gRPC which kind of bucket it is, which emulators and private hosts don't answer, and for minutes;
    # and it prints the traceback of errors that it raises too.
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)
    # A web server that compresses what it sends would tell another size, and could not go on in the middle.
    options = {"headers": {"Accept-Encoding": "identity"}} if scheme in ("http", "https") else {}
    return fsspec.filesystem(scheme, skip_instance_cache=True, **options)


def _of_hub(dataset: HubDataset) -> Listing:
    from huggingface_hub import HfApi, HfFileSystem

    # False: a token that some login left on this machine is not meant for this.
    access: dict[str, Any] = {"endpoint": os.environ.get("HF_ENDPOINT"), "token": os.environ.get("HF_TOKEN") or False}
    info = HfApi(**access).dataset_info(dataset.name, revision=dataset.revision, files_metadata=True)
    card = info.card_data.to_dict() if info.card_data else {}
    sizes = {file.rfilename: file.size for file in info.siblings or ()}
    chosen = chosen_files(sorted(sizes), card.get("configs") or [], dataset.path, dataset.shown)
    root = f"datasets/{info.id}@{info.sha}"
    names = data_files([PurePosixPath(name) for name in chosen.names], dataset.shown)
    files = tuple(RemoteFile(f"{root}/{name}", str(name), sizes[str(name)]) for name in names)
    system = HfFileSystem(**access, skip_instance_cache=True)
    return Listing(system, dataset.shown, str(info.sha), files, chosen.note)


def _of_file_system(address: Address) -> Listing:
    is_web = address.scheme in ("http", "https")
    system = file_system(address.scheme)
    if is_web:
        name = PurePosixPath(unquote(urlsplit(address.location).path)).name
        demand_container(PurePosixPath(name), address.shown)
        found = {name: system.info(address.location)}
        paths = {name: address.location}
    else:
        root = system._strip_protocol(address.location).rstrip("/")
        listed = {path: info for path, info in system.find(root, detail=True).items() if not path.endswith("/")}
        if not listed:
            raise FileNotFoundError(address.shown)
        base = root.rpartition("/")[0] if set(listed) == {root} else root
        names = {path[len(base) :].strip("/"): path for path in sorted(listed)}
        kept = data_files([PurePosixPath(name) for name in names], address.shown)
        paths = {str(name): names[str(name)] for name in kept}
        found = {name: listed[path] for name, path in paths.items()}
    files = tuple(RemoteFile(paths[name], name, info.get("size")) for name, info in found.items())
    return Listing(system, address.shown, _version(found), files)


def _version(found: Mapping[str, Mapping[str, Any]]) -> str:
    told = [
        [name, info.get("size"), *(str(info[field]) for field in VERSION_FIELDS if field in info)]
        for name, info in found.items()
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


@contextmanager
def _explained(address: Address | HubDataset) -> Iterator[None]:
    """Errors of the libraries in words that name the input and the remedy."""
    scheme = address.scheme if isinstance(address, Address) else "hf"
    where = f"--input {address.shown}"
    try:
        yield
    except ImportError as error:
        needed = MODULES[scheme]
        raise SetupError(f'{where}: reading it needs {needed} ({error}): pip install "entp[remote]"') from error
    except (UsageError, DataError, SetupError):
        raise
    except PermissionError as error:
        raise SetupError(f"{where}: {_access(scheme)} does not allow reading it ({one_line(error)})") from error
    except FileNotFoundError as error:
        raise UsageError(f"{where}: nothing is there{_also_no_path(address)}") from error
    except Exception as error:
        if type(error).__name__ in NO_CREDENTIALS:
            raise SetupError(
                f"{where}: no credentials in the environment ({_access(scheme)}); for a public bucket set "
                f"FSSPEC_{scheme.upper()}='{PUBLIC[scheme]}'"
            ) from error
        status = getattr(getattr(error, "response", None), "status_code", getattr(error, "status", None))
        if status in (401, 403):
            raise SetupError(
                f"{where}: refused ({status}); is the name right, and does {_access(scheme)} allow reading it?"
            ) from error
        if status == 404:
            raise UsageError(f"{where}: nothing is there{_also_no_path(address)}") from error
        raise SetupError(f"{where}: cannot be reached ({one_line(error)})") from error


def _access(scheme: str) -> str:
    return {
        "hf": "the token in HF_TOKEN",
        "s3": "the key in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        "gs": "the account in GOOGLE_APPLICATION_CREDENTIALS",
    }.get(scheme, "the server")


def _also_no_path(address: Address | HubDataset) -> str:
    plain = isinstance(address, HubDataset) and "://" not in address.shown
    return ", on the hub or as a path here" if plain else "; is the address complete?"

"""Put a run's training set or model where others find it: a hub, or a bucket."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from entp import store
from entp.errors import DataError, EntpError, SetupError, UsageError, one_line
from entp.fetch.listing import file_system

Kind = Literal["dataset", "model"]
#: What of a run is pushed; each has its card.
FOLDERS: dict[Kind, tuple[str, str]] = {"dataset": ("assemble", "dataset"), "model": ("train", "model")}
BUCKETS = ("s3", "gs")
_HUB = re.compile(r"hf://(?P<datasets>datasets/)?(?P<name>(?!datasets/)[^/@]+/[^/@]+)")
_BUCKET = re.compile(rf"(?P<scheme>{'|'.join(BUCKETS)})://(?P<path>[^/?#]+(?:/[^?#]*)?)")


class Destination(NamedTuple):
    """A repository of a hub, of one kind, or a folder of a bucket, which holds both."""

    scheme: str
    path: str
    kinds: tuple[Kind, ...]


def destination_of(address: str) -> Destination:
    """Where an address leads. Raises UsageError."""
    if hub := _HUB.fullmatch(address.rstrip("/")):
        return Destination("hf", hub["name"], ("dataset",) if hub["datasets"] else ("model",))
    if bucket := _BUCKET.fullmatch(address.rstrip("/")):
        return Destination(bucket["scheme"], bucket["path"], ("dataset", "model"))
    raise UsageError(
        f"{address}: expected hf://datasets/OWNER/NAME (the training set), hf://OWNER/NAME (the model), or "
        "s3://BUCKET/FOLDER or gs://BUCKET/FOLDER (both)"
    )


def push(run: Path, address: str, public: bool = False) -> list[str]:
    """Push what the run has of what belongs there; returns where each part is now.

    A repository that is not there yet is made, private unless `public`. Raises DataError where the run has nothing to
    push, SetupError where the other side refuses.
    """
    destination = destination_of(address)
    found = {kind: folder for kind in destination.kinds if (folder := _folder(run, kind)) is not None}
    if not found:
        stages = " or ".join(FOLDERS[kind][0] for kind in destination.kinds)
        raise DataError(f"{run}: nothing to push to {address}; run `entp run` up to {stages} first")
    with _explained(address):
        if destination.scheme == "hf":
            return [_to_hub(kind, folder, destination.path, public) for kind, folder in found.items()]
        return [_to_bucket(folder, destination, kind) for kind, folder in found.items()]


def _folder(run: Path, kind: Kind) -> Path | None:
    stage, folder = FOLDERS[kind]
    return run / stage / folder if store.is_published(run / stage) else None


def _to_hub(kind: Kind, folder: Path, name: str, public: bool) -> str:
    from huggingface_hub import HfApi

    token = os.environ.get("HF_TOKEN")
    if not token:
        raise SetupError("pushing to a hub needs a token that may write: set HF_TOKEN")
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token)
    api.create_repo(name, repo_type=kind, private=not public, exist_ok=True)
    # What an earlier push left would be read beside the new files.
    done = api.upload_folder(
        repo_id=name,
        repo_type=kind,
        folder_path=folder,
        delete_patterns="*",
        commit_message=f"The {kind} of an entp run",
    )
    return f"hf://{'datasets/' if kind == 'dataset' else ''}{name}@{done.oid}"


def _to_bucket(folder: Path, destination: Destination, kind: Kind) -> str:
    system = file_system(destination.scheme)
    target = f"{destination.path}/{kind}"
    before = set(system.find(target))
    written = {f"{target}/{file.relative_to(folder).as_posix()}": file for file in _files(folder)}
    for path, file in written.items():
        system.put_file(str(file), path)
    # Last, so that whoever reads meanwhile finds all files of one push or the other.
    for path in before - set(written):
        system.rm_file(path)
    return f"{destination.scheme}://{target}"


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


@contextmanager
def _explained(address: str) -> Iterator[None]:
    try:
        yield
    except EntpError:
        raise
    except ImportError as error:
        raise SetupError(f'pushing to {address} needs a package ({error}): pip install "entp[remote]"') from error
    except Exception as error:
        raise SetupError(
            f"{address}: pushing failed ({one_line(error)}); is the name right, and may the credentials of the "
            "environment write there?"
        ) from error

"""The pipeline as a table: every stage, what it reads, and what its result depends on.

The one place that knows the order. `entp run`, `dvc.yaml` (checked by a test) and the Kubeflow pipeline follow it.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol, cast

from entp import store
from entp.config import Config
from entp.errors import UsageError
from entp.store import Identity, Summary

#: Where a stage finds what it reads: the dataset directory of each parent stage, or, for `ingest`, the raw files.
Inputs = Mapping[str, Path]

PACKAGE = Path(__file__).parent
SHARED_CODE = ("records.py", "store.py")
#: Settings that may name a local file or folder, whose content then counts, not its path.
PATHS = (
    ("llm", "model"),
    ("embed", "model"),
    ("train", "model"),
    ("evaluate", "include_path"),
    ("evaluate", "data_path"),
    ("evaluate", "instructions"),
    ("purge", "priors"),
    ("purge", "index"),
)
#: Settings that list files or folders, of which the same holds.
LISTS = (("audit", "benchmarks"), ("purge", "benchmarks"))


class Run(Protocol):
    """What every stage module provides as `run`."""

    def __call__(self, config: Config, inputs: Inputs, output: Path) -> Summary: ...


@dataclass(frozen=True)
class Stage:
    """One stage: `parents` are stage names, `sections` the config sections, `code` the paths under `entp/`."""

    name: str
    title: str
    parents: tuple[str, ...]
    sections: tuple[str, ...]
    code: tuple[str, ...]

    @property
    def run(self) -> Run:
        return cast(Run, importlib.import_module(f"entp.{self.name}.stage").run)


STAGES: tuple[Stage, ...] = (
    Stage("ingest", "Read raw files into canonical samples", (), ("ingest",), ("ingest", "text/language.py")),
    Stage(
        "purge",
        "Repair, reject by rule, deduplicate",
        ("ingest",),
        ("seed", "purge", "embed"),
        (
            "purge",
            "embed.py",
            "llm/embedded.py",
            "pii",
            "contamination",
            "text",
            "evaluate/catalogue.py",
            "evaluate/tasks",
            "ingest",
        ),
    ),
    Stage("rate", "Score every kept sample", ("purge",), ("seed", "rate", "llm"), ("rate", "llm")),
    Stage(
        "curate",
        "Correct the scores; split into tiers",
        ("purge", "rate"),
        ("seed", "curate", "embed"),
        ("curate", "neighbours.py", "embed.py", "llm/embedded.py"),
    ),
    Stage(
        "pair",
        "Pair low-quality samples",
        ("purge", "curate"),
        ("seed", "pair"),
        ("pair", "neighbours.py", "text"),
    ),
    Stage(
        "mix",
        "Fuse each pair into a new sample",
        ("purge", "curate", "pair"),
        ("seed", "mix", "loss", "audit", "llm", "rate", "embed"),
        (
            "mix",
            "audit",
            "purge/duplicates",
            "purge/text.py",
            "pii",
            "contamination",
            "evaluate/catalogue.py",
            "evaluate/tasks",
            "ingest",
            "llm",
            "rate",
            "embed.py",
            "text",
        ),
    ),
    Stage(
        "assemble",
        "Build the training set",
        ("purge", "curate", "pair", "mix"),
        ("seed", "assemble"),
        ("assemble", "sources/weights.py", "text/language.py"),
    ),
    Stage("train", "Fine-tune the model", ("assemble",), ("seed", "train"), ("train", "llm/embedded.py")),
    Stage(
        "evaluate",
        "Score the model before and after",
        ("train",),
        ("seed", "train", "evaluate", "llm"),
        ("evaluate", "llm", "rate"),
    ),
    Stage("gate", "Promote the model, or not", ("train", "evaluate"), ("gate",), ("gate", "track.py")),
)
NAMES = tuple(stage.name for stage in STAGES)


def stage_named(name: str) -> Stage:
    """The stage of that name. Raises UsageError naming the nearest."""
    for stage in STAGES:
        if stage.name == name:
            return stage
    raise UsageError(f"there is no stage {name!r}; the stages are {', '.join(NAMES)}")


def identity(name: str, config: Config, inputs: Inputs) -> Identity:
    """What determines the stage's output. Two runs with equal identities publish equal data."""
    stage = stage_named(name)
    parents = {key: _input_digest(path) for key, path in sorted(inputs.items())}
    return Identity(name, by_content(config.digestible(stage.sections)), code_version(stage.code), parents)


def by_content(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, with a local folder named by what it holds: other weights or tasks at the same path are news."""
    for section, field in PATHS:
        if section in settings and settings[section][field]:
            settings[section][field] = _path_identity(settings[section][field])
    for section, field in LISTS:
        if section in settings:
            settings[section][field] = [raw_digest(Path(name).expanduser()) for name in settings[section][field]]
    return settings


@cache
def code_version(paths: Sequence[str]) -> str:
    """Digest of the source files a stage runs (its room, the rooms it uses, and the shared formats)."""
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(file for path in (*SHARED_CODE, *paths) for file in _source_files(PACKAGE / path)):
        digest.update(str(file.relative_to(PACKAGE)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _path_identity(name: str) -> str:
    path = Path(name).expanduser()
    if not path.exists():
        return name
    if (path / "config.json").is_file():
        from entp.llm.embedded import model_identity

        return model_identity(name)
    return f"{path.resolve().name}@{raw_digest(path)}"


def _source_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts]


def _input_digest(path: Path) -> str:
    if (path / "manifest.json").is_file():
        return store.content_digest(path)
    return raw_digest(path)


def raw_digest(path: Path) -> str:
    """Digest of a raw input file or folder, by relative names and contents."""
    digest = hashlib.blake2b(digest_size=16)
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    for file in files:
        digest.update(f"{file.relative_to(path.parent)}\0{store.file_sha256(file)}\0".encode())
    return digest.hexdigest()

"""The pipeline as a table: every stage, what it reads, what it makes, and what its result depends on.

The one place that knows the stages and their order. `entp run` walks it; the commands, the Kubeflow components and
their pipelines, and `dvc.yaml` are made from it. What code a stage runs is found by following its imports.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from entp import source_code, store
from entp.config import Config
from entp.errors import UsageError, near
from entp.store import Identity, Summary

#: Where a stage finds what it reads: the dataset directory of each parent stage, or, for `ingest`, the raw files.
Inputs = Mapping[str, Path]

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
    """One stage, whose code is `run` in `entp/<name>/stage.py`.

    `makes` names its dataset as an artifact, `parents` are stage names, `sections` the config sections that it reads,
    `headlines` the metrics worth a glance while the loop runs; `kind` says whether the dataset is a trained model.
    """

    name: str
    title: str
    makes: str
    parents: tuple[str, ...]
    sections: tuple[str, ...]
    headlines: tuple[str, ...]
    kind: Literal["dataset", "model"] = "dataset"

    @property
    def module(self) -> str:
        """The module that provides `run`."""
        return f"entp.{self.name}.stage"

    @property
    def run(self) -> Run:
        return cast(Run, importlib.import_module(self.module).run)


STAGES: tuple[Stage, ...] = (
    Stage(
        "ingest",
        "Read raw files into canonical samples",
        makes="ingested",
        parents=(),
        sections=("ingest",),
        headlines=("samples", "repeats", "quarantined"),
    ),
    Stage(
        "purge",
        "Repair, reject by rule, deduplicate",
        makes="purged",
        parents=("ingest",),
        sections=("seed", "purge", "embed"),
        headlines=("kept", "dropped", "duplicates", "repaired"),
    ),
    Stage(
        "rate",
        "Score every kept sample",
        makes="rated",
        parents=("purge",),
        sections=("seed", "rate", "llm"),
        headlines=("requests", "tokens_in"),
    ),
    Stage(
        "curate",
        "Correct the scores and split the pool into tiers",
        makes="curated",
        parents=("purge", "rate"),
        sections=("seed", "curate", "embed"),
        headlines=("hq_ratio", "lq_ratio", "undecided_ratio"),
    ),
    Stage(
        "pair",
        "Pair low-quality samples",
        makes="paired",
        parents=("purge", "curate"),
        sections=("seed", "pair"),
        headlines=("clusters", "silhouette", "pairs", "left_over"),
    ),
    Stage(
        "mix",
        "Fuse each pair into a new sample",
        makes="mixed",
        parents=("purge", "curate", "pair"),
        sections=("seed", "mix", "loss", "audit", "llm", "rate", "embed"),
        headlines=("pairs", "accepted_ratio", "loss_first", "loss_last", "tokens_per_pair"),
    ),
    Stage(
        "assemble",
        "Build the training set",
        makes="assembled",
        parents=("purge", "curate", "pair", "mix"),
        sections=("seed", "assemble"),
        headlines=("train_rows", "validation_rows", "fusion_rows", "hq_rows"),
    ),
    Stage(
        "train",
        "Fine-tune the model",
        makes="trained",
        parents=("assemble",),
        sections=("seed", "train"),
        headlines=("loss_first", "loss_last", "validation_loss_before", "validation_loss_after"),
        kind="model",
    ),
    Stage(
        "evaluate",
        "Score the model before and after",
        makes="evaluated",
        parents=("train",),
        sections=("seed", "train", "evaluate", "llm"),
        headlines=(),
    ),
    Stage(
        "gate",
        "Promote the model if it is better",
        makes="decided",
        parents=("train", "evaluate"),
        sections=("gate",),
        headlines=("promoted", "gain", "noise"),
    ),
)
NAMES = tuple(stage.name for stage in STAGES)


def stage_named(name: str) -> Stage:
    """The stage of that name. Raises UsageError naming the nearest."""
    for stage in STAGES:
        if stage.name == name:
            return stage
    raise UsageError(f"there is no stage {name!r}; {near(name, NAMES, 'stages')}")


def between(first: str, last: str) -> tuple[Stage, ...]:
    """The stages from `first` to `last`; none where `last` comes before it. Raises UsageError for an unknown name."""
    start, end = (STAGES.index(stage_named(name)) for name in (first, last))
    return STAGES[start : end + 1]


#: From the raw pool to the training set; what comes after needs a model to train.
DATA_STAGES = between("ingest", "assemble")
MODEL_STAGES = between("train", "gate")


def sections_of(stages: Iterable[Stage]) -> tuple[str, ...]:
    """The config sections that these stages read, in the configuration's order."""
    read = {section for stage in stages for section in stage.sections}
    return tuple(name for name in Config.model_fields if name in read)


def identity(name: str, config: Config, inputs: Inputs) -> Identity:
    """What determines the stage's output. Two runs with equal identities publish equal data."""
    stage = stage_named(name)
    parents = {key: _input_digest(path) for key, path in sorted(inputs.items())}
    return Identity(name, by_content(config.digestible(stage.sections)), source_code.version(stage.module), parents)


def by_content(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, with a local folder named by what it holds: other weights or tasks at the same path are news."""
    for section, field in PATHS:
        if section in settings and settings[section][field]:
            settings[section][field] = _path_identity(settings[section][field])
    for section, field in LISTS:
        if section in settings:
            settings[section][field] = [raw_digest(Path(name).expanduser()) for name in settings[section][field]]
    return settings


def _path_identity(name: str) -> str:
    path = Path(name).expanduser()
    if not path.exists():
        return name
    if (path / "config.json").is_file():
        from entp.llm.embedded import model_identity

        return model_identity(name)
    return f"{path.resolve().name}@{raw_digest(path)}"


def _input_digest(path: Path) -> str:
    if (path / "manifest.json").is_file():
        return store.content_digest(path)
    from entp.fetch.origin import origin_of

    origin = origin_of(path)
    return raw_digest(path) if origin is None else f"{origin.address}@{origin.version}"


def raw_digest(path: Path) -> str:
    """Digest of a raw input file or folder, by relative names and contents."""
    from entp.folders import files_below

    digest = hashlib.blake2b(digest_size=16)
    for file in [path] if path.is_file() else files_below(path).files:
        digest.update(f"{file.relative_to(path.parent)}\0{store.file_sha256(file)}\0".encode())
    return digest.hexdigest()

"""Which files of a hub's dataset belong to a configuration and a split: its card says so, or else their names do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from entp.errors import UsageError, near

#: Names of splits, as the hub finds them in the names of files and folders.
SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_WORD = re.compile(r"[A-Za-z]+")


class Chosen(NamedTuple):
    """Names of files in the repository, and what was left aside."""

    names: list[str]
    note: str = ""


def chosen_files(names: Sequence[str], configs: Sequence[Mapping[str, Any]], path: str, where: str) -> Chosen:
    """The files that `path` means: a file, a folder, CONFIG/SPLIT, CONFIG, SPLIT, or nothing.

    `configs` are those of the card. Without a split the split `train` is read where there is one: a model is not to
    learn what others test with (our choice). Raises UsageError for what is not there, or a configuration to be named.
    """
    below = [name for name in names if name == path or name.startswith(f"{path}/")]
    if path and below:
        return Chosen(below)
    if configs:
        return _by_card(names, configs, path, where)
    splits = _by_names(names)
    folder, _, split = path.rpartition("/")
    within = {
        kind: [name for name in found if not folder or name.startswith(f"{folder}/")] for kind, found in splits.items()
    }
    return _split(within, split, where)


def _by_card(names: Sequence[str], configs: Sequence[Mapping[str, Any]], path: str, where: str) -> Chosen:
    by_name = {str(config["config_name"]): config for config in configs if "config_name" in config}
    first, _, rest = path.partition("/")
    if first in by_name:
        config, split = by_name[first], rest
    else:
        config, split = _default(by_name, where), path
    return _split(_of_config(names, config), split, where)


def _default(by_name: Mapping[str, Mapping[str, Any]], where: str) -> Mapping[str, Any]:
    marked = [config for name, config in by_name.items() if config.get("default") or name == "default"]
    if marked or len(by_name) == 1:
        return (marked or list(by_name.values()))[0]
    raise UsageError(
        f"--input {where}: which configuration? {', '.join(by_name)}; add it: hf://datasets/OWNER/NAME/CONFIG"
    )


def _of_config(names: Sequence[str], config: Mapping[str, Any]) -> dict[str, list[str]]:
    """Files by split. `data_files` is a pattern, patterns, patterns by split, or a list of split and path."""
    given = config.get("data_files")
    folder = str(config.get("data_dir") or "").strip("/")
    if given is None:
        return _by_names([name for name in names if name.startswith(f"{folder}/") or not folder])
    if isinstance(given, Mapping):
        pairs = list(given.items())
    elif isinstance(given, list) and any(isinstance(part, Mapping) for part in given):
        pairs = [(part["split"], part["path"]) for part in given]
    else:
        pairs = [("train", given)]
    return {str(split): [name for name in names if _matches(name, patterns, folder)] for split, patterns in pairs}


def _matches(name: str, patterns: str | Sequence[str], folder: str) -> bool:
    from fsspec.utils import glob_translate

    listed = [patterns] if isinstance(patterns, str) else patterns
    rooted = (f"{folder}/{pattern}" if folder else pattern for pattern in listed)
    return any(re.fullmatch(glob_translate(pattern), name) for pattern in rooted)


def _by_names(names: Sequence[str]) -> dict[str, list[str]]:
    """Files by the split that their names tell; those whose names tell none are for training."""
    found: dict[str, list[str]] = {}
    for name in names:
        words = {word.lower() for part in PurePosixPath(name).parts for word in _WORD.findall(part)}
        split = next((split for split, known in SPLITS.items() if words.intersection(known)), "train")
        found.setdefault(split, []).append(name)
    return found


def _split(splits: Mapping[str, list[str]], wanted: str, where: str) -> Chosen:
    filled = {split: names for split, names in splits.items() if names}
    if wanted:
        if wanted not in filled:
            raise UsageError(f"--input {where}: it has no {wanted!r}; {near(wanted, filled, 'splits')}")
        return Chosen(filled[wanted])
    if "train" not in filled or len(filled) == 1:
        return Chosen(sorted(name for names in filled.values() for name in names))
    others = ", ".join(split for split in filled if split != "train")
    return Chosen(filled["train"], f"{where}: the split train is read, not {others}")

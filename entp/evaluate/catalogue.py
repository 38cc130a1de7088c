"""Which tasks there are, and how they are loaded: the built-in ones beside this file, public benchmarks, and a user's.

Task files are lm-evaluation-harness YAML. Relative `data_files` and `data_dir` mean the YAML's own folder, whatever the
current directory is. Of the harness's own tasks those of `entp.evaluate.public_benchmarks` are offered by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from entp.config import EvaluateConfig
from entp.errors import DataError, SetupError, UsageError, first_line, near
from entp.evaluate import public_benchmarks
from entp.evaluate.instructions import read_instructions
from entp.evaluate.public_benchmarks import Benchmark
from entp.evaluate.quiet import quiet

BUILT_IN = Path(__file__).parent / "tasks"


@dataclass(frozen=True)
class Suite:
    """Loaded tasks. `owners` gives, for each leaf task, the name that was asked for (itself, or its group)."""

    tasks: dict[str, Any]
    groups: dict[str, Any]
    owners: dict[str, str]


def check_tasks(config: EvaluateConfig) -> None:
    """Raises UsageError for a task name or folder that is not there, DataError for instructions that can't be read.

    It needs no heavy import, so ask before training.
    """
    if config.instructions is not None:
        read_instructions(Path(config.instructions).expanduser(), config.limit)
    known = set().union(*(task_names(folder) for folder in _own_folders(config)))
    if not known.issuperset(config.tasks):
        known |= set().union(*map(task_names, public_benchmarks.folders()))
    for name in config.tasks:
        if name not in known:
            where = config.include_path or "evaluate.include_path (not set)"
            raise UsageError(
                f"evaluate.tasks: no task {name!r}, neither built in nor of your own (YAML files in {where}); "
                + near(name, sorted(known), "tasks")
            )


def task_names(folder: Path) -> set[str]:
    """Names of the tasks, groups and tags that the YAML files of a folder declare."""
    names: set[str] = set()
    # Also what others include, which the harness names `_template_yaml`.
    for path in sorted(folder.glob("**/*yaml")):
        try:
            content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Names)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: not valid YAML: {error}") from error
        if not isinstance(content, dict):
            continue
        tags = content.get("tag") or []
        for name in (content.get("task"), content.get("group"), *([tags] if isinstance(tags, str) else tags)):
            if isinstance(name, str):
                names.add(name)
    return names


def load_suite(config: EvaluateConfig) -> Suite:
    """Load the configured tasks with their data. Raises UsageError or DataError naming the task and the remedy."""
    check_tasks(config)
    try:
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise SetupError(f'evaluation needs lm-evaluation-harness ({error}): pip install "entp[train]"') from error
    with quiet():
        manager = TaskManager(include_path=[str(folder) for folder in _folders(config)], include_defaults=False)
        for entry in manager.task_index.values():
            _localise(entry, config)
        return _load_all(manager, config.tasks)


class _Names(yaml.SafeLoader):
    """Reads a task file for its names only: `!function` tags are not followed."""


_Names.add_multi_constructor("!", lambda loader, suffix, node: None)  # noqa: ARG005


def _folders(config: EvaluateConfig) -> list[Path]:
    """The user's and ours, and of the harness's those alone that are asked for: loading one may import packages."""
    own = _own_folders(config)
    missing = set(config.tasks).difference(*map(task_names, own))
    return [*own, *(folder for folder in public_benchmarks.folders() if missing & task_names(folder))]


def _own_folders(config: EvaluateConfig) -> list[Path]:
    if config.include_path is None:
        return [BUILT_IN]
    folder = Path(config.include_path).expanduser().resolve()
    if not folder.is_dir():
        raise UsageError(f"evaluate.include_path: {folder} is not a folder; it should hold task YAML files")
    return [BUILT_IN, folder]


def _load_all(manager: Any, names: Iterable[str]) -> Suite:
    tasks: dict[str, Any] = {}
    groups: dict[str, Any] = {}
    owners: dict[str, str] = {}
    for name in names:
        loaded = _load(manager, name)
        for leaf, task in loaded["tasks"].items():
            if leaf in owners:
                raise UsageError(f"evaluate.tasks: {leaf!r} is asked for twice, by {owners[leaf]!r} and {name!r}")
            if task.get_config("num_fewshot") is None:  # the harness's own default, set by its command line
                task.set_config(key="num_fewshot", value=0)
            tasks[leaf] = task
            owners[leaf] = name if name in loaded["groups"] else leaf
        groups |= loaded["groups"]
    public_benchmarks.require_sentences(tasks)
    return Suite(tasks, groups, owners)


def _load(manager: Any, name: str) -> Any:
    """One task, group or tag of the index. Whatever a task file does wrong is the user's to mend, with its name."""
    try:
        return manager.load([name])
    except Exception as error:  # a task file can fail in any way: templates, functions, data
        raise DataError(
            f"evaluate.tasks: {name!r} cannot be loaded ({type(error).__name__}: {first_line(error)}); "
            "check its YAML and data"
        ) from error


def _localise(entry: Any, config: EvaluateConfig) -> None:
    """Turn an index entry with local data into its full configuration: absolute paths, or a benchmark's local items."""
    benchmark = public_benchmarks.benchmark_of(Path(entry.yaml_path)) if entry.yaml_path is not None else None
    if benchmark is not None:
        if config.data_path is not None and isinstance((entry.cfg or {}).get("task"), str):
            _read_locally(entry, benchmark, Path(config.data_path).expanduser())
        return
    options = (entry.cfg or {}).get("dataset_kwargs") or {}
    if not {"data_files", "data_dir"} & set(options) or entry.yaml_path is None:
        return
    from lm_eval.tasks._yaml_loader import load_yaml

    folder = Path(entry.yaml_path).resolve().parent
    try:
        content = load_yaml(entry.yaml_path, resolve_func=True)
    except Exception:  # a `!function` that cannot be imported: `_load` tells, if this task is asked for
        return
    options = dict(content["dataset_kwargs"])
    if "data_files" in options:
        options["data_files"] = absolute(options["data_files"], folder)
    if "data_dir" in options:
        options["data_dir"] = absolute(options["data_dir"], folder)
    entry.cfg = content | {"dataset_kwargs": options}
    entry.yaml_path = None


def _read_locally(entry: Any, benchmark: Benchmark, data: Path) -> None:
    from lm_eval.tasks._yaml_loader import load_yaml

    try:
        settings = load_yaml(entry.yaml_path, resolve_func=True)
    except Exception:  # a package that the task wants is not there: `_load` tells, if this task is asked for
        return
    entry.cfg = public_benchmarks.with_local_items(settings, benchmark, data)
    entry.yaml_path = None


def absolute(files: Any, folder: Path) -> Any:
    """`data_files` (a path, a list, or splits of either) with relative paths taken from `folder`; URLs stay."""
    if isinstance(files, dict):
        return {split: absolute(value, folder) for split, value in files.items()}
    if isinstance(files, Iterable) and not isinstance(files, str):
        return [absolute(value, folder) for value in files]
    return files if "://" in files else str(folder / Path(files).expanduser())

"""`dvc.yaml`, made from the stages: the loop on the sample pool under `dvc repro`.

DVC compares bytes: it runs a stage again for a comment in its code, where `entp run` does not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from entp import source_code
from entp.source_code import PACKAGE
from entp.stages import STAGES, Stage

HEADER = """\
# The loop under DVC: `dvc repro` runs the same stages as `entp run`, on the sample pool, into runs/dvc/.
# Made from entp/stages.py by `entp dvc-stages > dvc.yaml` (`make generate`); a test holds it to be current.
"""
POOL, RUN = "examples/pool", "runs/dvc"
PLOTS: tuple[dict[str, Any], ...] = (
    {"${run}/plots/funnel.csv": {"cache": False, "template": "simple", "x": "source", "y": "LQ"}},
    {
        "${run}/plots/mix_loss.csv": {
            "cache": False,
            "x": "try",
            "y": "loss",
            "title": "Best symbolic loss after each try",
        }
    },
    {"${run}/plots/training_loss.csv": {"cache": False, "x": "step", "y": "loss", "title": "Training loss"}},
)


def as_yaml() -> str:
    """The file's text."""
    stages = {stage.name: _stage(stage) for stage in STAGES}
    content = {"vars": [{"pool": POOL, "run": RUN}], "stages": {**stages, "report": _report()}}
    return HEADER + yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=120)


def _stage(stage: Stage) -> dict[str, Any]:
    raw = "" if stage.parents else "--input ${pool} "
    return {
        "cmd": f"entp {stage.name} {raw}--output ${{run}}",
        "deps": [*([_dataset(parent) for parent in stage.parents] or ["${pool}"]), *_code(stage.module)],
        "params": list(stage.sections),
        "outs": [_dataset(stage.name)],
        "metrics": [{f"${{run}}/metrics/{stage.name}.json": {"cache": False}}],
    }


def _report() -> dict[str, Any]:
    return {
        "cmd": "entp report --output ${run}",
        "deps": [*(_dataset(stage.name) for stage in STAGES), *_code("entp.report.write")],
        "outs": ["${run}/report.html", "${run}/figures"],
        "plots": list(PLOTS),
    }


def _dataset(stage: str) -> str:
    return f"${{run}}/{stage}"


def _code(module: str) -> list[str]:
    """What a module reaches: files, or the whole folder where that is at least half of it, so that lists stay short."""
    reached = set(source_code.files_of(module))
    return [f"{PACKAGE.name}/{path.relative_to(PACKAGE)}" for path in _named(PACKAGE, reached)]


def _named(folder: Path, reached: set[Path]) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    if folder != PACKAGE and sum(path in reached for path in files) >= len(files) / 2:
        return [folder]
    inside = (path for path in folder.iterdir() if path.is_dir() and any(one.is_relative_to(path) for one in reached))
    found = [path for path in folder.iterdir() if path in reached and path.read_bytes()]
    return sorted([*found, *(path for child in inside for path in _named(child, reached))])

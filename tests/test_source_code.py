"""Which code counts for a stage, and what of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from entp import source_code
from entp.stages import STAGES

BASE = "import math\n\n\ndef area(radius: float) -> float:\n    return math.pi * radius**2\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package named `box` in place of ours, whose module `box.room.stage` imports in every way there is."""
    files = {
        "room/stage.py": """
            from __future__ import annotations
            from typing import TYPE_CHECKING
            import box.plain
            from box import direct
            from box.room import neighbour
            if TYPE_CHECKING:
                from box import only_for_types

            def late():
                from box.hidden.deep import thing
        """,
        "plain.py": "",
        "direct.py": "from box import indirect",
        "indirect.py": "from box.room.stage import late",
        "only_for_types.py": "",
        "unused.py": "",
        "hidden/deep.py": "thing = 1",
        "hidden/prompts/one.txt": "words",
        "room/neighbour.py": "",
        "room/stranger.py": "",
    }
    root = tmp_path / "box"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line.removeprefix(" " * 12) for line in text.splitlines()))
    for folder in (root, root / "room", root / "hidden"):
        (folder / "__init__.py").touch()
    monkeypatch.setattr(source_code, "PACKAGE", root)
    monkeypatch.setattr(source_code, "NAME", "box")
    monkeypatch.setattr(source_code, "FRAME", frozenset({"box"}))
    forget()
    yield root
    forget()


def forget() -> None:
    for cached in (source_code.version, source_code.files_of, source_code._imports, source_code._content):
        cached.cache_clear()


def version() -> str:
    forget()
    return source_code.version("box.room.stage")


def test_imports_are_followed_wherever_they_stand_but_for_types(package: Path):
    names = {str(path.relative_to(package)) for path in source_code.files_of("box.room.stage")}
    assert names == {
        "room/__init__.py", "room/stage.py", "room/neighbour.py", "plain.py", "direct.py", "indirect.py",
        "hidden/__init__.py", "hidden/deep.py", "hidden/prompts/one.txt",
    }  # fmt: skip


@pytest.mark.parametrize(
    "edited",
    [
        BASE + "# a comment\n",
        BASE.replace("    return", '    """Of a circle."""\n    return'),
        '"""A module."""\n' + BASE,
        BASE.replace("math.pi * radius**2", "(\n        math.pi\n        * radius**2\n    )"),
    ],
    ids=["comment", "docstring", "module docstring", "layout"],
)
def test_what_is_not_syntax_changes_no_version(package: Path, edited: str):
    (package / "indirect.py").write_text(BASE)
    before = version()
    (package / "indirect.py").write_text(edited)
    assert version() == before


@pytest.mark.parametrize(
    "edited",
    [
        BASE.replace("**2", "**3"),
        BASE.replace("math.pi", "math.e"),
        BASE.replace("radius", "r"),
        BASE.replace("    return", "    'x'.upper()\n    return"),
        BASE.replace("math.pi * radius**2", "None"),
    ],
    ids=["number", "attribute", "name", "statement", "None"],
)
def test_what_is_syntax_changes_the_version(package: Path, edited: str):
    (package / "indirect.py").write_text(BASE)
    before = version()
    (package / "indirect.py").write_text(edited)
    assert version() != before


def test_a_prompt_changes_the_version_of_what_reads_it(package: Path):
    before = version()
    (package / "hidden/prompts/one.txt").write_text("other words")
    assert version() != before


def test_a_module_that_nothing_reaches_changes_no_version(package: Path):
    before = version()
    (package / "room/stranger.py").write_text("x = 1")
    (package / "unused.py").write_text("x = 1")
    assert version() == before


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_every_module_that_running_a_stage_s_code_loads_is_followed(stage):
    """What importing the stage really loads is among the files found, but for the frame."""
    import subprocess
    import sys

    code = f"import sys, {stage.module}; print(*[name for name in sys.modules if name.startswith('entp')])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    found = set(source_code.files_of(stage.module))
    missing = [name for name in loaded if name not in source_code.FRAME and source_code._path(name) not in found]
    assert missing == []

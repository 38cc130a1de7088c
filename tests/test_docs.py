from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from entp import records
from entp.stages import NAMES

ROOT = Path(__file__).parent.parent
FORMATS = (ROOT / "docs" / "formats.md").read_text()
FOLDERS = "entp|examples|docs|tests|requirements|components|pipelines|manifests|scripts|benchmarks"
PAGES = [
    ROOT / "README.md",
    ROOT / "ARCHITECTURE.md",
    ROOT / "benchmarks/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
SCHEMAS = {name: value for name, value in vars(records).items() if isinstance(value, pl.Schema)}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_column_is_documented(name):
    missing = [column for column in SCHEMAS[name] if f"`{column}`" not in FORMATS]
    assert missing == []


@pytest.mark.parametrize(
    "status",
    [
        *records.RATING_STATUSES,
        *records.FUSION_STATUSES,
        *records.TIERS,
        *records.LEFT_OVER_REASONS,
        *records.TASK_TYPES,
    ],
)
def test_every_status_is_documented(status):
    assert f"`{status}`" in FORMATS


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_the_documentation_names_exists(page):
    named = set(re.findall(rf"`((?:{FOLDERS})/[\w./-]+)`", page.read_text()))
    missing = [path for path in named if not (ROOT / path).exists()]
    assert missing == []


def test_the_architecture_page_shows_every_stage():
    page = (ROOT / "ARCHITECTURE.md").read_text()
    assert all(name in page for name in NAMES)

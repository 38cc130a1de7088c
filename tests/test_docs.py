"""What the pages say is there: tables and their columns, stages, paths, links, and where each choice is explained."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from entp import records
from entp.ingest.reasons import REASONS
from entp.purge.resemblance import SHARED
from entp.purge.verdicts import PASSED
from entp.stages import NAMES

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
FOLDERS = "entp|examples|docs|tests|requirements|components|pipelines|manifests|scripts|benchmarks"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    ROOT / "benchmarks/README.md",
    *sorted(DOCS.glob("*.md")),
]
SCHEMAS = {name: value for name, value in vars(records).items() if isinstance(value, pl.Schema)}
#: The section of docs/formats.md that is about each schema's table; of two tables in one heading, either.
TABLES = {
    "ACQUIRED_DOCUMENTS": "acquire/documents",
    "ACQUIRED_PASSAGES": "acquire/passages",
    "ACQUIRED_PAIRS": "acquire/pairs",
    "ACQUIRED_LEFT_OUT": "acquire/left_out",
    "SAMPLES": "ingest/samples",
    "PREFERENCES": "ingest/preferences",
    "QUARANTINE": "ingest/quarantine",
    "REPEATS": "ingest/repeats",
    "VERDICTS": "purge/verdicts",
    "DUPLICATES": "purge/duplicates",
    "REPAIRS": "purge/repairs",
    "PERSONAL": "purge/personal",
    "LEAKS": "purge/leaks",
    "RULES": "purge/rules",
    "SPANS": "purge/spans",
    "SPAN_PLACES": "purge/span_places",
    "WEIGHTS": "purge/weights",
    "RATINGS": "rate/ratings",
    "RATING_CRITERIA": "rate/criteria",
    "SCORES": "curate/scores",
    "TRANSITION": "curate/transition",
    "RELIABILITY": "curate/reliability",
    "EMBEDDINGS": "curate/embeddings",
    "PAIRS": "pair/pairs",
    "LEFT_OVER": "pair/left_over",
    "DOMAINS": "pair/domains",
    "CLUSTERS": "pair/clusters",
    "FUSIONS": "mix/fusions",
    "AUDIT_FINDINGS": "mix/audit",
    "AUDIT_MEASURES": "mix/audit_measures",
    "TRAINING": "assemble/train",
    "TRAINING_LOG": "train/log",
    "VALIDATION_LOSSES": "train/validation",
    "UNUSED": "train/unused",
    "EVALUATION_SCORES": "evaluate/scores",
    "EVALUATION_ITEMS": "evaluate/items",
    "JUDGEMENTS": "evaluate/judgements",
    "DECISION": "gate/decision",
}
#: The values that a column may have, by the table that has it.
VALUES: dict[str, Sequence[str]] = {
    "acquire/pairs": records.ACQUIRED_STYLES,
    "acquire/left_out": records.ACQUIRED_REASONS,
    "ingest/quarantine": tuple(REASONS),
    "purge/verdicts": (PASSED, SHARED, records.CONTAMINATED, *records.DUPLICATE_REASONS),
    "rate/ratings": records.RATING_STATUSES,
    "rate/criteria": records.CRITERIA,
    "curate/scores": records.TIERS,
    "pair/left_over": records.LEFT_OVER_REASONS,
    "pair/clusters": records.TASK_TYPES,
    "mix/fusions": records.FUSION_STATUSES,
}


def named_in(text: str) -> set[str]:
    """What a text names as code, span by span."""
    return set(re.findall(r"`([^`\n]+)`", text))


def section_of(table: str) -> str:
    """What docs/formats.md says under the heading that names this table."""
    headed = re.split(r"^#{2,3} (.+)$", (DOCS / "formats.md").read_text(), flags=re.MULTILINE)
    sections = dict(zip(headed[1::2], headed[2::2], strict=True))
    return next(text for heading, text in sections.items() if table in named_in(heading))


def anchors_of(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def without_code(text: str) -> str:
    """A page without its code blocks and code spans."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^````?.*?^````?$", "", text, flags=re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_column_is_documented_in_its_own_table_s_section(schema):
    columns = set(SCHEMAS[schema])
    assert columns - named_in(section_of(TABLES[schema])) == set()


@pytest.mark.parametrize("table", VALUES)
def test_every_reason_status_and_type_is_documented_in_its_own_table_s_section(table):
    assert set(VALUES[table]) - named_in(section_of(table)) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_the_documentation_names_exists(page):
    named = set(re.findall(rf"`((?:{FOLDERS})/[\w./-]+)`", page.read_text()))
    missing = [path for path in named if not (ROOT / path).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page):
    links = re.findall(r"\]\(((?!https?:)[^)\s#]*)(?:#([^)\s]+))?\)", without_code(page.read_text()))
    broken = []
    for target, anchor in links:
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and anchor not in anchors_of(file)):
            broken.append((target, anchor))
    assert broken == []


def test_every_page_is_in_the_index():
    linked = re.findall(r"\]\((\w[\w-]*\.md)\)", (DOCS / "README.md").read_text())
    assert sorted(linked) == sorted(page.name for page in DOCS.glob("*.md") if page.name != "README.md")


def test_the_architecture_page_draws_every_stage_in_order():
    drawing = re.search(r"^.*─►.*$", (ROOT / "ARCHITECTURE.md").read_text(), flags=re.MULTILINE)
    assert drawing is not None
    assert [word for word in re.findall(r"\w+", drawing[0]) if word in NAMES] == list(NAMES)


def test_the_readme_lists_every_stage_in_order():
    section = (ROOT / "README.md").read_text().partition("\n## Stages\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE) == list(NAMES)


def test_the_method_has_a_numbered_section_for_every_stage():
    headings = re.findall(r"^## (\d+) (\w+)$", (DOCS / "method.md").read_text(), flags=re.MULTILINE)
    assert headings == [(str(number), name) for number, name in enumerate(NAMES, start=1)]


def test_where_the_code_says_our_choice_the_method_names_its_folder():
    """Else "our choice" could not be looked up."""
    named = [path for path in named_in((DOCS / "method.md").read_text()) if path.startswith("entp/")]
    choosing = [
        file for file in (ROOT / "entp").rglob("*.py") if re.search(r"\bour\s+(#:\s+)?choice", file.read_text())
    ]
    files = [str(file.relative_to(ROOT)) for file in choosing]
    assert len(files) > len(NAMES)
    assert [file for file in files if not any(file.startswith(path) for path in named)] == []

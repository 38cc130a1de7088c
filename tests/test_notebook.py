"""What `import entp` offers, and the notebook that uses it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

import entp

NOTEBOOK = Path(__file__).parents[1] / "examples" / "notebook.ipynb"


def test_every_offered_function_is_documented():
    assert [name for name in entp.__all__ if not getattr(entp, name).__doc__] == []
    assert [name for name in entp.__all__ if f"`{name}(" not in (entp.__doc__ or "")] == []


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'ruin'"):
        _ = entp.ruin


def test_importing_the_package_imports_nothing_else():
    code = "import sys, entp; print([name for name in sys.modules if name.startswith(('entp.', 'polars'))])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"


def test_a_run_s_tables_metrics_and_stories_are_there(tmp_path: Path):
    pool = tmp_path / "pool.jsonl"
    rows = [f'{{"instruction": "Name {n} colours.", "output": "Red, blue and green, {n} times."}}' for n in range(3, 9)]
    pool.write_text("\n".join(rows))
    measured = entp.run(pool, tmp_path / "run", ["track.uri=none"], until="purge")
    assert measured["ingest"]["samples"] == 6
    sample = entp.table(tmp_path / "run", "ingest", "samples")["id"][0]
    assert sample in entp.explain(tmp_path / "run", sample[:12])
    assert entp.funnel(tmp_path / "run").filter(source="total")["ingested"].item() == 6


def test_a_run_inside_an_event_loop_may_run_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("entp.shell.run_and_show", lambda *_: asyncio.run(asyncio.sleep(0)))

    async def cell() -> dict[str, dict[str, float]]:
        return entp.run("pool.jsonl", tmp_path / "run")

    assert asyncio.run(cell()) == {}


@pytest.mark.model
def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path):
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace('"../runs/notebook"', f'"{tmp_path}/run"')
    environment = {**os.environ, "PYTHONPATH": str(NOTEBOOK.parents[1])}
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(NOTEBOOK.parent)}})
    client.execute(env=environment)
    assert "parent" in notebook.cells[-1].outputs[0].text

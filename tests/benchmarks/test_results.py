from __future__ import annotations

import json

import pytest

from benchmarks import results
from benchmarks.apart import apart
from benchmarks.machine import machine, versions
from benchmarks.results import Side

DETAILS = {"tokens": 3, "share": 1 / 3, "runs": [2 / 3]}


def example(**more) -> dict:
    return results.result(
        "example", "rows/s", Side("ours", [1.0, 3.0]), Side("theirs", [4.0]), ["polars", "absent"], DETAILS, **more
    )


def test_a_result_compares_medians_and_says_what_it_was_measured_on(tmp_path):
    results.write(example(target=0.4), tmp_path / "example.json")
    kept = json.loads((tmp_path / "example.json").read_text())
    assert (kept["ours"]["median"], kept["ratio"], kept["target"]) == (2.0, 0.5, 0.4)
    assert kept["details"] == {"tokens": 3, "share": 0.333, "runs": [0.667]}
    assert list(kept["versions"]) == ["polars"]
    assert kept["machine"]["cores"] >= 1
    assert kept["command"].startswith("python -m benchmarks.example")


def test_the_table_has_a_row_for_each_result(tmp_path):
    results.write(example(), tmp_path / "example.json")
    row = results.table(tmp_path).splitlines()[-1]
    assert row.startswith("| [example](results/example.json) | rows/s | 2 | 4 | theirs | 0.50 |  |")


def test_the_table_in_the_readme_is_current():
    page = results.README.read_text()
    assert results.with_table(page, results.table()) == page, "run python -m benchmarks.results"


def test_versions_leave_out_what_is_not_installed():
    assert versions(["absent"]) == {}


def test_every_fact_of_the_machine_is_known():
    assert all(machine().values())


def test_a_side_runs_in_a_process_of_its_own_and_its_error_arrives():
    assert apart(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        apart(divmod, 7, 0)

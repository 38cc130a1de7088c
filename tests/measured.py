"""How long tests and the fixtures they share take: `make measure-tests` loads this file as a plugin, and runs it.

`python -m tests.measured REPORT SECONDS` goes from pytest's JUnit report to tests/seconds.json. A fixture that several
tests share is a line of its own, so that its time is no test's that happened to come first.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

#: Quicker tests are not worth a line.
LEAST = 0.5

_made_for_this_test: list[tuple[str, object]] = []


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Iterator[None]:
    """Time a shared fixture; those it asks for have been made by now."""
    began = time.perf_counter()
    try:
        return (yield)
    finally:
        if fixturedef.scope != "function":
            _made_for_this_test.append((f"fixture:{fixturedef.argname}", time.perf_counter() - began))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Say in the report which shared fixtures were made for this test."""
    _made_for_this_test.clear()
    try:
        return (yield)
    finally:
        item.user_properties += _made_for_this_test


def main(report: Path, target: Path) -> None:
    """Write the seconds of tests (the median of a test's parameters) and of shared fixtures, as `file::name`."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for case in ElementTree.parse(report).iter("testcase"):
        file = case.attrib["classname"].replace(".", "/") + ".py"
        made = {part.attrib["name"]: float(part.attrib["value"]) for part in case.iter("property")}
        for name, value in made.items():
            seconds[f"{file}::{name.removeprefix('fixture:')}"].append(value)
        test = case.attrib["name"].partition("[")[0]
        seconds[f"{file}::{test}"].append(float(case.attrib["time"]) - sum(made.values()))
    medians = {name: round(statistics.median(values), 1) for name, values in sorted(seconds.items())}
    target.write_text(json.dumps({name: value for name, value in medians.items() if value > LEAST}, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

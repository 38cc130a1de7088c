"""From pytest's JUnit report to tests/seconds.json: `python -m tests.measured REPORT SECONDS`."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

#: Quicker tests are not worth a line.
LEAST = 1.0


def main(report: Path, target: Path) -> None:
    """Write the seconds of every test over LEAST, its slowest parameters counting, by node id without parameters."""
    seconds: dict[str, float] = defaultdict(float)
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.attrib['classname'].replace('.', '/')}.py::{case.attrib['name'].partition('[')[0]}"
        seconds[name] = max(seconds[name], float(case.attrib["time"]))
    kept = {name: round(value, 1) for name, value in sorted(seconds.items()) if value > LEAST}
    target.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

"""rensa: shingles in Python, MinHash and LSH in Rust, every candidate verified by Jaccard, connected components."""

import json
import re
import sys
import time
from pathlib import Path

from rensa import RMinHash, RMinHashLSH

Sides = tuple[frozenset[str], frozenset[str]]
SIZE, THRESHOLD = 5, 0.8
TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|[-+*/=<>^%&|~#$@\\]")


def shingles(text: str) -> frozenset[str]:
    tokens = TOKEN.findall(text.lower()) or text.lower().split()
    return frozenset(" ".join(tokens[start : start + SIZE]) for start in range(max(1, len(tokens) - SIZE + 1)))


def similar(one: Sides, other: Sides) -> bool:
    """Our similarity: of the whole, or of the responses where that is lower."""
    common = [len(mine & theirs) for mine, theirs in zip(one, other, strict=True)]
    joined = [len(mine | theirs) for mine, theirs in zip(one, other, strict=True)]
    if len(one[1]) == 1 and one[0] != other[0]:
        return False
    return min(sum(common) / sum(joined), common[1] / joined[1]) >= THRESHOLD


def main() -> None:
    with Path(sys.argv[1]).open(encoding="utf-8") as handle:
        rows = [json.loads(line) for line in handle]
    began = time.perf_counter()
    sets = [(shingles(row["prompt"]), shingles(row["response"])) for row in rows]
    tagged = [[f"P{one}" for one in prompt] + [f"R{one}" for one in response] for prompt, response in sets]
    sketches = RMinHash.from_token_sets(tagged, 128, 42)
    index = RMinHashLSH(THRESHOLD, 128, 16)
    pairs = []
    for place, sketch in enumerate(sketches):
        pairs += [(other, place) for other in index.query(sketch) if similar(sets[place], sets[other])]
        index.insert(place, sketch)
    print(json.dumps({"seconds": time.perf_counter() - began, "pairs": pairs}))


if __name__ == "__main__":
    main()

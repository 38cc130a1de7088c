"""The rules as a table for people: `python -m entp.purge.rules.listing` writes it into docs/purge.md."""

from __future__ import annotations

from pathlib import Path

from entp.purge.rule import Lower, LowerQuantile, Rule, Upper, UpperQuantile
from entp.purge.rules import FAMILIES

PAGE = Path(__file__).parents[3] / "docs" / "purge.md"
BEGIN, END = "<!-- rules -->", "<!-- end of rules -->"
_SIGNS = {Upper: "> {}", Lower: "< {}", UpperQuantile: "> quantile {}", LowerQuantile: "< quantile {}"}


def rules_table() -> str:
    """Every rule in Markdown, family by family: its action, limit and scope, what it measures or mends, its source."""
    lines = ["| rule | action | fires | on | measures, or mends | source |", "| --- | --- | --- | --- | --- | --- |"]
    for family in FAMILIES:
        lines.append(f"| **{family.__name__.rpartition('.')[2]}** | | | | | |")
        lines += [_line(rule) for rule in vars(family).values() if isinstance(rule, Rule)]
    return "\n".join(lines)


def with_table(page: str) -> str:
    """The page with the table between its marks."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n{rules_table()}\n{END}{rest.split(END)[1]}"


def _line(rule: Rule) -> str:
    limit = "" if rule.prior is None else _SIGNS[type(rule.prior)].format(f"{rule.prior.limit:g}")
    scope = ", ".join(column.replace("_", " ") for column in rule.scope)
    cells = (f"`{rule.reason}`", rule.action, limit, scope, rule.title.replace("|", "\\|"), rule.source)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

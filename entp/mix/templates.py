"""The prompt templates: files `<name>.v<version>.txt` with `{placeholders}`; the newest version is used.

The optimiser switches among the nine in `prompts/switchable/`; those in `prompts/` itself never change, and those in
`prompts/rivals/` belong to the methods we compare with. A file is one user turn, or a conversation whose turns begin
with a line `[user]` or `[assistant]`: a demonstration, which small models follow better than a description. Its last
turn is the real one.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from entp.conversation import Message
from entp.text.words import ngrams, words

FOLDER = Path(__file__).parent / "prompts"
#: Words in a run that tells a template's own text (our choice).
LEAK_WORDS = 5
_FILE = re.compile(r"(?P<name>[a-z_]+)\.v(?P<version>\d+)\.txt")
_TURN = re.compile(r"^\[(user|assistant)\]\n", re.MULTILINE)


@dataclass(frozen=True)
class Template:
    """`turns` are role and text with placeholders; `version` is for instance "v1"."""

    name: str
    version: str
    turns: tuple[tuple[str, str], ...]


@cache
def templates() -> Mapping[str, Template]:
    """The newest version of each template, by name (one name, one folder).

    Raises ValueError for a file that is named otherwise.
    """
    newest: dict[str, tuple[int, Path]] = {}
    for path in sorted(FOLDER.rglob("*.txt")):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path}: a template is named <name>.v<number>.txt")
        name, version = match["name"], int(match["version"])
        newest[name] = max(newest.get(name, (0, path)), (version, path))
    return {
        name: Template(name, f"v{version}", _turns(path.read_text(encoding="utf-8")))
        for name, (version, path) in newest.items()
    }


def fill(name: str, **values: object) -> tuple[Message, ...]:
    """The template's conversation with its placeholders replaced; values are never read as templates."""
    return tuple(Message(role=role, content=text.format(**values)) for role, text in templates()[name].turns)


@cache
def template_runs() -> frozenset[tuple[str, ...]]:
    """All runs of LEAK_WORDS words in the templates' own text, demonstrations included."""
    pieces = [
        literal
        for template in templates().values()
        for _, text in template.turns
        for literal, *_ in string.Formatter().parse(text)
    ]
    return frozenset(run for piece in pieces for run in ngrams(words(piece), LEAK_WORDS) if len(run) == LEAK_WORDS)


def _turns(text: str) -> tuple[tuple[str, str], ...]:
    _, *marked = _TURN.split(text)
    if not marked:
        return (("user", text.strip()),)
    return tuple((role, turn.strip()) for role, turn in zip(marked[::2], marked[1::2], strict=True))

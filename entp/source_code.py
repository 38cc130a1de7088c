"""Which source files a module's results depend on, found by following its imports, and a version of them.

The version digests syntax: a comment, a docstring or another layout of the lines changes nothing. Imports are followed
inside this package wherever they stand, also in functions, but not where they serve type checkers alone.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
NAME = PACKAGE.name
#: What frames the stages and decides nothing of what they publish: the table of stages, how a configuration is read
#: (its values count by themselves), how files are put in place, errors, progress bars, and the front door.
_FRAMING = ("atomic", "config", "errors", "progress", "source_code", "stages")
FRAME = frozenset({NAME, *(f"{NAME}.{name}" for name in _FRAMING)})
#: Fields of syntax trees that hold no syntax.
IGNORED_FIELDS = frozenset({"ctx", "kind", "type_comment"})


@cache
def version(module: str, apart_from: tuple[str, ...] = ()) -> str:
    """Digest of the syntax of what `files_of` finds, and of its data files."""
    digest = hashlib.blake2b(digest_size=8)
    for path in files_of(module, apart_from):
        digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + _content(path) + b"\0")
    return digest.hexdigest()


@cache
def files_of(module: str, apart_from: tuple[str, ...] = ()) -> tuple[Path, ...]:
    """The modules that `module` reaches, itself included, and the data files of their packages, sorted.

    A file that is no module (a prompt, a list of words) belongs to the package whose folder it lies in. Modules and
    packages named by `apart_from` are not followed: their work shows otherwise.
    """
    reached = {path for name in _reached(module, apart_from) if (path := _path(name))}
    data = {path for folder in {path.parent for path in reached} for path in _data_files(folder)}
    return tuple(sorted(reached | data))


def _reached(module: str, apart_from: tuple[str, ...]) -> set[str]:
    """Names of the modules that running `module` may run, without the frame."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found or name in FRAME or f"{name}.".startswith(tuple(f"{one}." for one in apart_from)):
            continue
        found.add(name)
        # Importing a module runs the packages that it lies in.
        waiting += [name.rsplit(".", 1)[0], *_imports(name)]
    return found


@cache
def _imports(module: str) -> frozenset[str]:
    """Modules of this package that `module` imports."""
    path = _path(module)
    if path is None:
        return frozenset()
    named = {name for node in _nodes(ast.parse(path.read_bytes())) for name in _named(node)}
    return frozenset(name for name in named if _path(name))


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below `node`, but for what type checkers alone run."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield child
        yield from _nodes(child)


def _named(node: ast.AST) -> list[str]:
    """What an import statement may mean: `from a import b` is the module a.b where there is one, and a in any case."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _path(module: str) -> Path | None:
    """Where a module of this package lies; None for what is none."""
    first, *rest = module.split(".")
    if first != NAME:
        return None
    place = PACKAGE.joinpath(*rest)
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _data_files(folder: Path) -> list[Path]:
    """Files of a package that are no modules, also in folders that are no packages."""
    found = []
    for path in folder.iterdir() if folder != PACKAGE else ():
        if path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").is_file():
            found += _data_files(path)
        elif path.is_file() and path.suffix != ".py":
            found.append(path)
    return found


@cache
def _content(path: Path) -> bytes:
    if path.suffix != ".py":
        return path.read_bytes()
    return repr(_syntax(ast.parse(path.read_bytes()))).encode()


def _syntax(node: object) -> object:
    """A syntax tree as plain data, without docstrings and without what Python's releases write differently."""
    if isinstance(node, list):
        return [_syntax(item) for item in node if not _is_docstring(item)]
    if not isinstance(node, ast.AST):
        return node
    fields = ((name, value) for name, value in ast.iter_fields(node) if name not in IGNORED_FIELDS)
    # Newer releases have more fields, empty where the older syntax is used.
    return [type(node).__name__, *((name, _syntax(value)) for name, value in fields if value not in (None, []))]


def _is_docstring(node: object) -> bool:
    """Whether a statement is nothing but a text. Docstrings are, and no other such statement does anything."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)

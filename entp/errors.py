"""Errors a user can act on. Each names the thing and the remedy, and carries the process exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EntpError(Exception):
    """Base of every error shown without a traceback (unless `--debug`)."""

    exit_code = 1


class UsageError(EntpError):
    """The command line or the configuration is wrong."""

    exit_code = 2


class DataError(EntpError):
    """The data is missing, malformed, or nothing of it survived a stage."""

    exit_code = 3


class SetupError(EntpError):
    """Something outside is missing: a model, an endpoint, a package, disk space."""

    exit_code = 4


class Stopped(EntpError):  # noqa: N818 - no error of anybody
    """Asked to stop (SIGTERM); everything finished so far is kept."""

    exit_code = 143


def first_line(error: BaseException | str) -> str:
    """The first line of what an error says, 300 characters at most; its kind where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def one_line(error: object) -> str:
    """All that an error says, in one line of 500 characters at most; its kind where it says nothing."""
    return " ".join(str(error).split())[:500] or type(error).__name__


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a mistaken one was probably meant to be."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)), None)


def near(name: str, known: Iterable[str], kind: str) -> str:
    """The end of a message about an unknown name: the nearest one, or all of them (`kind` is their plural)."""
    names = list(known)
    meant = nearest(name, names)
    return f"did you mean {meant!r}?" if meant else f"known {kind}: {', '.join(names)}"

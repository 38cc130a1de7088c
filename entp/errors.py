"""Errors a user can act on. Each names the thing and the remedy, and carries the process exit code."""

from __future__ import annotations


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

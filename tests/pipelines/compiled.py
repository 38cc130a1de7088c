"""The project's pipelines, compiled once for all tests of a process."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from entp.platform.profiles import profile_names
from pipelines.compile import PIPELINES, compile_all

IR_FILES = [f"{profile}/{pipeline}.yaml" for profile in profile_names() for pipeline in PIPELINES]
NATIVE_FILES = [f"{profile}/kubernetes/{pipeline}.yaml" for profile in profile_names() for pipeline in PIPELINES]


@functools.cache
def compiled_folder() -> Path:
    """Where IR_FILES and NATIVE_FILES lie."""
    folder = Path(tempfile.mkdtemp(prefix="entp-compiled-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    compile_all(folder)
    return folder

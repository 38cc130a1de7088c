"""lm-evaluation-harness without its log lines, prints and bars."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

NOISY_LOGGERS = ("lm_eval", "datasets", "transformers", "accelerate", "httpx", "huggingface_hub")


@contextmanager
def quiet() -> Iterator[None]:
    """No log lines, prints or bars of the harness and what it loads; ours remain."""
    import tqdm.std

    loggers = [logging.getLogger(name) for name in NOISY_LOGGERS]
    levels = [logger.level for logger in loggers]
    original = tqdm.std.tqdm.__init__

    def without_bar(bar: Any, *args: Any, **options: Any) -> None:
        original(bar, *args, **options | {"disable": True})

    for logger in loggers:
        logger.setLevel(logging.ERROR)
    tqdm.std.tqdm.__init__ = without_bar
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        tqdm.std.tqdm.__init__ = original
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

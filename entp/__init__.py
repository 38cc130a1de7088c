"""ENTP: purge the noise out of low-quality instruction data and mix what remains into richer samples.

From Python, for example in a notebook:

- `run(inputs, output, settings)` runs the loop, as `entp run` does;
- `funnel(output)`, `metrics(output)`, `table(output, stage, name)` show what a run has made;
- `explain(output, sample)` and `trace(output, pair)` tell a sample's life and a pair's story.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from entp.notebook import explain, funnel, metrics, run, table, trace

__version__ = "0.1.0"
__all__ = ["explain", "funnel", "metrics", "run", "table", "trace"]


def __getattr__(name: str) -> Any:
    """The functions above, imported when one of them is asked for: the command line must start at once."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from entp import notebook

    return getattr(notebook, name)

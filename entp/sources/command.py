"""`entp weigh-sources`: what share each source of a curated run should have, for `assemble.source_shares`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
from rich.table import Table

from entp import store
from entp.config import Config
from entp.errors import DataError
from entp.progress import console
from entp.sources.entropy import entropies
from entp.sources.weights import by_entropy, by_temperature
from entp.store import is_published

METHODS = ("temperature", "entropy", "doremi")


def weigh_sources(config: Config, output: Path, method: str, temperature: float, steps: int) -> str:
    """The override that sets the shares; a table of them goes to the error stream.

    Raises DataError where the run has not got as far as `curate`, or its HQ samples are of one source.
    """
    samples = _high_quality(output)
    sources = sorted(samples["source"].unique())
    counts = np.array([samples.filter(source=source).height for source in sources])
    if len(sources) < 2:
        raise DataError(f"{output}: all {samples.height} HQ samples are of one source, so there is nothing to weigh")
    if method == "temperature":
        weights = by_temperature(counts, temperature)
    elif method == "entropy":
        found = entropies(samples, config.seed)
        weights = by_entropy([found[source] for source in sources])
    else:
        weights = _by_proxy(config, samples, sources, steps)
    _show(sources, counts, weights, method)
    shares = {source: round(float(weight), 4) for source, weight in zip(sources, weights, strict=True)}
    return f"assemble.source_shares={json.dumps(shares, ensure_ascii=False)}"


def _high_quality(output: Path) -> pl.DataFrame:
    """The samples that `assemble` takes as they are."""
    for name in ("purge", "curate"):
        if not is_published(output / name):
            raise DataError(f"{output / name}: not there; run `entp run --until curate --output {output}` first")
    tiers = store.read(output / "curate", "scores").filter(tier="HQ")
    return store.read(output / "purge", "samples").join(tiers, on="id", how="semi").sort("id")


def _by_proxy(config: Config, samples: pl.DataFrame, sources: list[str], steps: int) -> np.ndarray:
    from entp.sources.proxy import proxy_weights
    from entp.train.chat_template import marked_template
    from entp.train.examples import encode
    from entp.train.model import load_tokenizer

    tokenizer = load_tokenizer(config.train)
    template = marked_template(tokenizer, config.train.model)
    groups = []
    for source in sources:
        own = encode(tokenizer, template, samples.filter(source=source), config.train.max_length).examples
        if not own:
            raise DataError(f"source {source!r}: no HQ sample has an answer within train.max_length tokens; raise it")
        groups.append(own)
    return proxy_weights(groups, config.train, steps, config.seed)


def _show(sources: list[str], counts: np.ndarray, weights: np.ndarray, method: str) -> None:
    table = Table(title=f"Shares of the sources of HQ samples, by {method}", title_justify="left")
    table.add_column("source", no_wrap=True)
    for name in ("samples", "share now", "share to take"):
        table.add_column(name, justify="right")
    for source, count, weight in zip(sources, counts, weights, strict=True):
        table.add_row(source, f"{count:,}", f"{count / counts.sum():.3f}", f"{weight:.3f}")
    console.print(table)

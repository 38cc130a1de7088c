"""Run `pair` and `mix` under each variant, on one curated pool.

    RUN/ablate/pair-<strategy>/   pairs, shared by all variants with that strategy
    RUN/ablate/mix-<variant>/     fusions
    RUN/ablate/cache/             one request cache for all: what two variants both ask is asked once

A variant whose settings, inputs and code are unchanged is not run again; a killed one goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from entp import loop, params
from entp.config import Config
from entp.errors import DataError
from entp.stages import Inputs, stage_named
from entp.store import is_published

Announce = Callable[[str, bool], None]


def settings_of(
    base: Config, variants: Mapping[str, Sequence[str]], pairs: int | None, calls: int | None
) -> dict[str, Config]:
    """Each variant's configuration, with the budget that all of them share."""
    budget = [f"mix.max_pairs={pairs}"] if pairs else []
    budget += [f"mix.max_requests={calls}"] if calls else []
    return {name: params.changed(base, [*overrides, *budget]) for name, overrides in variants.items()}


def run_variants(variants: Mapping[str, Config], output: Path, announce: Announce) -> dict[str, Path]:
    """The published `mix` dataset of every variant. `announce` is told each one's name, and whether it is skipped."""
    pool = {name: output / name for name in ("purge", "curate")}
    for name, path in pool.items():
        if not is_published(path):
            raise DataError(f"{path}: not there; run `entp run --until curate --output {output}` first ({name})")
    folder = output / "ablate"
    folder.mkdir(exist_ok=True)
    return {name: _run_variant(name, settings, pool, folder, announce) for name, settings in variants.items()}


def _run_variant(name: str, settings: Config, pool: Inputs, folder: Path, announce: Announce) -> Path:
    pairs, fusions = folder / f"pair-{settings.pair.strategy}", folder / f"mix-{name}"
    pair, mix = stage_named("pair"), stage_named("mix")
    if not loop.is_unchanged(pair, settings, pool, pairs):
        pair.run(settings, pool, pairs)
    inputs = {**pool, "pair": pairs}
    unchanged = loop.is_unchanged(mix, settings, inputs, fusions)
    announce(name, unchanged)
    if not unchanged:
        mix.run(settings, inputs, fusions)
    return fusions

"""The variants by name, and running `pair` and `mix` under each, on one curated pool.

    RUN/ablate/pair-<strategy>/   pairs, shared by all variants with that strategy
    RUN/ablate/mix-<variant>/     fusions
    RUN/ablate/cache/             one request cache for all: what two variants both ask is asked once

A variant whose settings, inputs and code are unchanged is not run again; a killed one goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from entp import params, store
from entp.config import Config
from entp.errors import DataError, UsageError, near
from entp.stages import Inputs, identity, stage_named

Announce = Callable[[str, bool], None]

#: What all others are compared with.
WHOLE = "entp"
#: What each changes in the configuration: a part is switched off by parameter, never by code.
VARIANTS: dict[str, tuple[str, ...]] = {
    WHOLE: (),
    "no_instruction_cycle": ("mix.instruction_cycle=false",),
    "no_answer_cycle": ("mix.answer_cycle=false",),
    "no_symbolic_loss": ("mix.symbolic_loss=false",),
    "no_prompt_switching": ("mix.prompt_switching=false",),
    "no_fallback": ("mix.one_to_one_fallback=false",),
    "random_pairs": ("pair.strategy=random",),
    "nearest_pairs": ("pair.strategy=nearest",),
    "cross_cluster_pairs": ("pair.strategy=cross_cluster",),
    "one_shot": ("mix.method=one_shot",),
    "one_to_one": ("mix.method=one_to_one",),
    "self_refine": ("mix.method=self_refine",),
    "self_instruct": ("mix.method=self_instruct",),
    "evol_instruct": ("mix.method=evol_instruct",),
}


def chosen(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The named variants, the whole method first. Raises UsageError for a name that is none."""
    unknown = [name for name in names if name not in VARIANTS]
    if unknown:
        raise UsageError(f"there is no variant {unknown[0]!r}; {near(unknown[0], VARIANTS, 'variants')}")
    return {name: VARIANTS[name] for name in dict.fromkeys((WHOLE, *names))}


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
        if not store.is_published(path):
            raise DataError(f"{path}: not there; run `entp run --until curate --output {output}` first ({name})")
    folder = output / "ablate"
    folder.mkdir(exist_ok=True)
    return {name: _run_variant(name, settings, pool, folder, announce) for name, settings in variants.items()}


def _run_variant(name: str, settings: Config, pool: Inputs, folder: Path, announce: Announce) -> Path:
    pairs, fusions = folder / f"pair-{settings.pair.strategy}", folder / f"mix-{name}"
    pair, mix = stage_named("pair"), stage_named("mix")
    if not store.is_published_as(pairs, identity("pair", settings, pool)):
        pair.run(settings, pool, pairs)
    inputs = {**pool, "pair": pairs}
    unchanged = store.is_published_as(fusions, identity("mix", settings, inputs))
    announce(name, unchanged)
    if not unchanged:
        mix.run(settings, inputs, fusions)
    return fusions

"""The variants by name: what each changes in the configuration. A part is switched off by parameter, never by code."""

from __future__ import annotations

from collections.abc import Sequence

from entp.errors import UsageError, near

#: What all others are compared with.
WHOLE = "entp"
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

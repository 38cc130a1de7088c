"""What is decided sample by sample: a chunk of the pool is repaired and measured, by itself and in any process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, partial
from pathlib import Path

import polars as pl

from entp import store
from entp.config import PurgeConfig
from entp.conversation import answers, everything, heeding
from entp.progress import progress
from entp.purge.apply_rules import measure
from entp.purge.choice import choose_rules
from entp.purge.duplicates.exact import exact_keys
from entp.purge.duplicates.shingles import shingle_lists
from entp.purge.leaks import benchmarks, find_leaks
from entp.purge.personal import chosen_types, replace_personal_data, without_personal_texts
from entp.purge.repair import repair
from entp.purge.rule import Rule
from entp.purge.scratch import Scratch
from entp.purge.spread import in_order, processors
from entp.records import CONTAMINATED, LEAKS
from entp.text.tokens import Tokens, lower_tokens

#: Samples in a chunk: bounds memory, and gives the bar something to show.
CHUNK = 5_000
#: A smaller pool is examined before other processes would have started.
SPREAD_FROM = 4 * CHUNK

Numbered = tuple[int, pl.DataFrame]


def examine_pool(ingested: Path, config: PurgeConfig, scratch: Scratch) -> int:
    """Examine every sample; returns their number. The scratch folder holds the tables of `examine_chunk` then."""
    total = int(store.scan(ingested, "samples").select(pl.len()).collect().item())
    workers = (config.workers or processors()) if total >= SPREAD_FROM else 1
    examine = partial(examine_chunk, settings=config.model_dump_json(), scratch=scratch)
    with progress("purge: samples", total) as advance:
        for examined in in_order(examine, _chunks(ingested), workers):
            advance(examined)
    return total


def examine_chunk(chunk: Numbered, settings: str, scratch: Scratch) -> int:
    """Repair and measure the samples of one chunk; returns their number. `settings` is a PurgeConfig as JSON.

    Leaves `samples` (as mended), `repairs`, `personal`, `leaks`, `numbers` (by rule, of every answer that is learnt
    from) and `shingles` (hashed, with the exact key).
    """
    number, samples = chunk
    config, repairs, measured = _prepared(settings)
    mended, repaired = repair(samples, repairs)
    types = chosen_types(config.personal_data)
    mended, personal = replace_personal_data(mended, types)
    texts = answers(mended)
    tokens = {side: lower_tokens(texts[side]) for side in ("prompt", "response")}
    # A conversation is compared by its last answer and all before it.
    shingles = shingle_lists(texts, tokens["prompt"], tokens["response"], config.shingle_words)
    last = texts.select(pl.col("turn") == pl.col("turn").max().over("id")).to_series()
    scratch.write("samples", number, mended)
    scratch.write("repairs", number, without_personal_texts(repaired, types))
    scratch.write("personal", number, personal)
    scratch.write("leaks", number, _leaks(mended, texts, tokens, config))
    scratch.write("numbers", number, measure(heeding(texts), tokens["response"], measured, config.languages))
    scratch.write("shingles", number, shingles.filter(last).with_columns(exact_keys(mended)))
    return samples.height


def _leaks(
    samples: pl.DataFrame, texts: pl.DataFrame, tokens: Mapping[str, Tokens], config: PurgeConfig
) -> pl.DataFrame:
    """What the samples give away anywhere: in the system turn, in earlier answers and in reasoning too."""
    if CONTAMINATED in config.disable:
        return LEAKS.to_frame()
    whole = everything(samples)
    if not whole.select("prompt", "response").equals(texts.select("prompt", "response")):
        texts, tokens = whole, {side: lower_tokens(whole[side]) for side in ("prompt", "response")}
    return find_leaks(texts, tokens, benchmarks(tuple(config.benchmarks), config.contamination_words))


def _chunks(ingested: Path) -> Iterator[Numbered]:
    number = 0
    for part in store.parts(ingested, "samples"):
        for chunk in pl.read_parquet(part).iter_slices(CHUNK):
            yield number, chunk
            number += 1


@cache
def _prepared(settings: str) -> tuple[PurgeConfig, tuple[Rule, ...], tuple[Rule, ...]]:
    """The configuration, the repairs and the measured rules: rules do not travel between processes."""
    config = PurgeConfig.model_validate_json(settings)
    rules = choose_rules(config)
    repairs = tuple(rule for rule in rules if rule.action == "repair")
    return config, repairs, tuple(rule for rule in rules if rule.action != "repair")

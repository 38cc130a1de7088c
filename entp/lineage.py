"""The life of one sample and the story of one pair, told from the published datasets of a run."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from entp import store
from entp.conversation import Message, said
from entp.errors import UsageError

SHOWN_CHARACTERS = 700


def explain(run: Path, sample: str) -> str:
    """Everything that happened to a sample, stage by stage. `sample` is its id or a unique beginning of it.

    Raises UsageError where no sample, or several, match.
    """
    sample_id = _find(run / "ingest", "samples", "id", sample)
    return "\n".join(_life(run, sample_id))


def trace(run: Path, pair: str) -> str:
    """How one pair was fused: parents, direct answers, loss per try, template switches, outcome.

    `pair` is a pair id, or the id of a sample in it, or a unique beginning of either.
    """
    pairs = store.read(run / "pair", "pairs")
    of_sample = pairs.filter(pl.col("parent_a").str.starts_with(pair) | pl.col("parent_b").str.starts_with(pair))
    pair_id = of_sample["pair_id"][0] if of_sample.height == 1 else _find(run / "pair", "pairs", "pair_id", pair)
    return "\n".join(_story(run, pair_id))


def _life(run: Path, sample_id: str) -> Iterator[str]:
    original = _row(run / "ingest", "samples", "id", sample_id)
    assert original is not None
    meta = json.loads(original["meta"])
    yield f"Sample {sample_id}"
    origin = f"source {original['source']}, language {original['language']}"
    yield f"  ingest    row {meta['row']} of {meta['file']}, {origin}"
    yield from _acquired(meta)
    yield from _conversation(original["messages"])
    repeats = _rows(run / "ingest", "repeats", "id", sample_id)
    for repeat in repeats:
        where = json.loads(repeat["meta"])
        yield f"            the same text again in row {where['row']} of {where['file']}"
    yield from _purged(run, sample_id, original["messages"])
    yield from _rated(run, sample_id)
    yield from _curated(run, sample_id)
    yield from _fused(run, sample_id)
    yield from _assembled(run, sample_id)


def _acquired(meta: dict[str, Any]) -> Iterator[str]:
    """Where the document lies that the sample was written from; nothing where it was written from none."""
    if not {"address", "start", "end"} <= set(meta):
        return
    page, last = meta.get("page"), meta.get("last_page")
    pages = "" if page is None else f", page {page}" if last in (None, page) else f", pages {page} to {last}"
    licence = f" (licence {meta['licence']})" if meta.get("licence") else ""
    yield f"            from {meta['address']}{pages}, characters {meta['start']} to {meta['end']}{licence}"


def _purged(run: Path, sample_id: str, original: list[Message]) -> Iterator[str]:
    if not store.is_current(run / "purge"):
        return
    for verdict in _rows(run / "purge", "verdicts", "id", sample_id):
        place = "" if verdict["turn"] is None else f" in turn {verdict['turn']}"
        value = "" if verdict["value"] is None else f" (measured {verdict['value']:.3g}{place})"
        effect = "passed every rule" if verdict["reason"] == "passed" else f"{verdict['reason']}{value}"
        yield f"  purge     {'kept' if verdict['keep'] else 'dropped'}: {effect}"
    for duplicate in _rows(run / "purge", "duplicates", "id", sample_id):
        measured = "cosine" if duplicate["jaccard"] is None else "Jaccard"
        yield f"            survivor {duplicate['survivor']} ({measured} {duplicate[measured.lower()]:.2f})"
    for leak in _rows(run / "purge", "leaks", "id", sample_id):
        place = f"{leak['benchmark']} row {leak['row']}"
        yield f"            its {leak['side']} holds {leak['share']:.0%} of {place}: {leak['stretch']}"
    kept = _row(run / "purge", "samples", "id", sample_id)
    if kept is not None and kept["messages"] != original:
        yield "            repaired to:"
        yield from _conversation(kept["messages"])


def _rated(run: Path, sample_id: str) -> Iterator[str]:
    if not store.is_current(run / "rate"):
        return
    for rating in _rows(run / "rate", "ratings", "id", sample_id):
        if rating["status"] != "rated":
            yield f"  rate      {rating['rater']}: no score ({rating['status']})"
            continue
        spread = "" if rating["spread"] is None else f" +- {rating['spread']:.2f}"
        yield f"  rate      {rating['rater']}: {rating['score']} of 5 (expected {rating['expected']:.2f}{spread})"


def _curated(run: Path, sample_id: str) -> Iterator[str]:
    if not store.is_current(run / "curate"):
        return
    score = _row(run / "curate", "scores", "id", sample_id)
    if score is None:
        return
    moved = "" if score["score_raw"] == score["score_curated"] else f", curated from {score['score_raw']}"
    shown = "unrated" if score["score_curated"] is None else f"{score['score_curated']} of 5{moved}"
    yield f"  curate    {shown}, confidence {score['confidence']:.2f}: tier {score['tier']}"


def _fused(run: Path, sample_id: str) -> Iterator[str]:
    if not store.is_current(run / "pair"):
        return
    place = _row(run / "pair", "clusters", "id", sample_id)
    if place is not None:
        role = ", a representative of it" if place["representative"] else ""
        yield f"  pair      task type {place['task_type']}, cluster {place['cluster']}{role}"
        domains = store.scan(run / "pair", "domains").filter(cluster=place["cluster"]).collect()
        yield from (f"            its keywords: {', '.join(words)}" for words in domains["keywords"])
    for alone in _rows(run / "pair", "left_over", "id", sample_id):
        yield f"            left over: {alone['reason']}"
    for pair in _pairs_of(run, sample_id):
        partner = pair["parent_b"] if pair["parent_a"] == sample_id else pair["parent_a"]
        yield f"  pair      with {partner} (similarity {pair['similarity']:.2f}) as pair {pair['pair_id']}"
        fusion = _row(run / "mix", "fusions", "pair_id", pair["pair_id"]) if store.is_current(run / "mix") else None
        if fusion is not None:
            yield f"  mix       {_decision(fusion)}"
            yield f"            the whole story: entp trace {pair['pair_id'][:12]} --output {run}"
            yield from _conversation(fusion["messages"] or [])


def _assembled(run: Path, sample_id: str) -> Iterator[str]:
    if not store.is_current(run / "assemble"):
        return
    uses = [
        f"  assemble  in {table} as part of {row['origin']} {row['id']}"
        for table in ("train", "validation")
        for row in store.scan(run / "assemble", table)
        .filter(pl.col("parents").list.contains(sample_id))
        .collect()
        .iter_rows(named=True)
    ]
    yield from uses or ["  assemble  not used for training"]


def _story(run: Path, pair_id: str) -> Iterator[str]:
    pair = _row(run / "pair", "pairs", "pair_id", pair_id)
    assert pair is not None
    where = "across clusters" if pair["cluster"] is None else f"cluster {pair['cluster']}"
    yield f"Pair {pair_id}: similarity {pair['similarity']:.2f}, {where}"
    for name in ("parent_a", "parent_b"):
        parent = _row(run / "purge", "samples", "id", pair[name])
        assert parent is not None
        yield f"\nParent {name[-1].upper()}  {pair[name]}  ({parent['source']})"
        yield from _acquired(json.loads(parent["meta"]))
        yield from _conversation(parent["messages"])
    fusion = _row(run / "mix", "fusions", "pair_id", pair_id) if store.is_current(run / "mix") else None
    if fusion is None:
        yield "\nNot mixed yet: run `entp mix`."
        return
    story = json.loads(fusion["trace"])
    for step in story["steps"]:
        yield from _step(step)
    yield f"\nOutcome   {_decision(fusion)}"
    yield from _conversation(fusion["messages"] or [])
    tokens = f"{fusion['tokens_in']} tokens in, {fusion['tokens_out']} out"
    yield f"Cost      {fusion['calls']} calls, {tokens}, by {story['model']}"


def _step(step: dict[str, Any]) -> Iterator[str]:
    names = {
        "DA": "Direct answer (DA)",
        "MCG": "Merged instruction and answer (MCG)",
        "ICD": "Completeness check (ICD)",
        "FAC": "Answer check (FAC)",
        "FAU": "Answer update (FAU)",
        "REWRITE": "One-to-one rewrite",
        "RATE": "Rating against the parents",
        "CRITIQUE": "The model's own criticism",
        "INVENT": "Invention from two examples",
        "EVOLVE": "Evolution of the better parent",
    }
    title = names.get(step["operator"], step["operator"])
    template = f", template {step['template']}" if step["template"] else ""
    yield f"\n{title}, try {step['iteration']}{template}"
    if step["text"]:
        yield from _indented(step["text"])
    if step["loss"] is not None:
        terms = sorted(step["terms"].items(), key=lambda term: -term[1])
        shown = ", ".join(f"{name} {value:.2f}" for name, value in terms if value > 0) or "nothing wrong"
        verdict = {True: "; best so far", False: "; not better than the best so far", None: ""}[step["kept"]]
        yield f"    loss {step['loss']:.3f} ({shown}){verdict}"


def _decision(fusion: dict[str, Any]) -> str:
    decision = json.loads(fusion["trace"])["decision"] if fusion["trace"] else {"sentence": ""}
    return f"{fusion['status']}: {decision['sentence']}"


def _conversation(messages: list[Message]) -> Iterator[str]:
    for turn in messages:
        unlearnt = " (not learnt from)" if turn.get("learn") is False else ""
        yield f"    {turn['role']}{unlearnt}:"
        if turn.get("reasoning"):
            yield from _indented(f"<think> {turn['reasoning']} </think>")
        yield from _indented(said(turn))


def _indented(text: str) -> Iterator[str]:
    shown = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + " [...]"
    for line in shown.splitlines() or [""]:
        yield from textwrap.wrap(line, 100, initial_indent=" " * 8, subsequent_indent=" " * 8) or [""]


def _pairs_of(run: Path, sample_id: str) -> list[dict[str, Any]]:
    member = (pl.col("parent_a") == sample_id) | (pl.col("parent_b") == sample_id)
    return store.scan(run / "pair", "pairs").filter(member).collect().to_dicts()


def _find(dataset: Path, table: str, column: str, beginning: str) -> str:
    matches = store.scan(dataset, table).filter(pl.col(column).str.starts_with(beginning)).collect()[column]
    if len(matches) == 1:
        return str(matches[0])
    if len(matches) == 0:
        raise UsageError(f"no id in {dataset / table} begins with {beginning!r}; ids are in its column `{column}`")
    raise UsageError(f"{len(matches)} ids in {dataset / table} begin with {beginning!r}; give more characters")


def _rows(dataset: Path, table: str, column: str, value: str) -> list[dict[str, Any]]:
    return store.scan(dataset, table).filter(pl.col(column) == value).collect().to_dicts()


def _row(dataset: Path, table: str, column: str, value: str) -> dict[str, Any] | None:
    rows = _rows(dataset, table, column, value)
    return rows[0] if rows else None

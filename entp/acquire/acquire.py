"""From files and addresses to the dataset `acquire`: documents, passages, pairs, and what was left out on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from entp import source_code, store
from entp.acquire.addresses import distinct
from entp.acquire.clean import cleaned, faults
from entp.acquire.deduplicate import copies, different_documents
from entp.acquire.document import Document, Extracted, LeftOut, Origin, UnreadableError
from entp.acquire.documents import find_documents
from entp.acquire.extract import extract
from entp.acquire.fetch_pages import FOLDER, Fetcher
from entp.acquire.ocr import advice
from entp.acquire.passages import Passage, passages_of
from entp.acquire.replies import Pair, pairs_of
from entp.acquire.tables import documents_table, left_out_table, pairs_table, passages_table, write_rows
from entp.acquire.writer import VERSIONS, write
from entp.config import AcquireConfig, AcquireStyle, Config
from entp.errors import DataError, one_line
from entp.llm.session import Usage, open_session
from entp.progress import progress
from entp.records import (
    ACQUIRED_DOCUMENTS,
    ACQUIRED_LEFT_OUT,
    ACQUIRED_PAIRS,
    ACQUIRED_PASSAGES,
    chances,
    digest_of,
)
from entp.stages import by_content
from entp.store import Identity, Summary

NAME = "acquire"
ROWS = "rows.jsonl"
SECTIONS = ("seed", "purge", "llm", "acquire")
REASONS_SHOWN = 5


class Written(NamedTuple):
    """What the writer made of passages."""

    pairs: list[Pair]
    left_out: list[LeftOut]
    usage: Usage
    model: str


def acquire(config: Config, inputs: Sequence[Path], addresses: Sequence[str], output: Path) -> Summary:
    """Publish the documents below `inputs` and at `addresses`, their passages, and the pairs made of these.

    Raises DataError where nothing could be read, or, once all else is published, where no request gave a pair.
    """
    settings = config.acquire
    cache = store.cache_folder(output)
    origins, left_out = find_documents(inputs, settings.max_bytes)
    fetched, unfetched = _fetch(settings, addresses, cache / NAME / FOLDER)
    read, unread = _read([*origins, *fetched])
    documents, repeated = different_documents(cleaned(read, config.purge))
    left_out += unfetched + unread + repeated
    if not documents:
        raise DataError(f"acquire: there was nothing to read: {_causes(left_out) or 'no documents in the inputs'}")
    passages, unfit = _passages(documents, config)
    written = _write(config, passages, cache)
    left_out += unfit + written.left_out
    with store.publish(output, _identity(config, documents)) as dataset:
        dataset.write("documents", documents_table(documents), ACQUIRED_DOCUMENTS)
        dataset.write("passages", passages_table(passages), ACQUIRED_PASSAGES)
        dataset.write("pairs", pairs_table(written.pairs), ACQUIRED_PAIRS)
        dataset.write("left_out", left_out_table(left_out), ACQUIRED_LEFT_OUT)
        if written.pairs:
            write_rows(written.pairs, dataset.folder / ROWS)
        summary = dataset.summarise(_metrics(documents, passages, written, left_out), _notes(written, settings.styles))
    if passages and settings.styles and not written.pairs:
        raise DataError(
            f"acquire: no request gave a pair: {_causes(written.left_out)}; the passages are in {output}/passages; try "
            "another llm.model, a larger acquire.max_reply_tokens, or acquire.styles=[] for passages alone"
        )
    return summary


def _fetch(config: AcquireConfig, addresses: Sequence[str], folder: Path) -> tuple[list[Origin], list[LeftOut]]:
    if not addresses:
        return [], []
    chosen, left_out = distinct(addresses, config.max_pages)
    with progress("acquire: pages", len(chosen)) as advance:
        origins, unfetched = Fetcher(config, folder).fetch(chosen, advance)
    return origins, left_out + unfetched


def _read(origins: Sequence[Origin]) -> tuple[list[tuple[Origin, Extracted]], list[LeftOut]]:
    """What each document holds; those that cannot be read, and single pages that hold pictures alone."""
    read: list[tuple[Origin, Extracted]] = []
    left_out: list[LeftOut] = []
    with progress("acquire: documents", len(origins)) as advance:
        for origin in origins:
            try:
                found = extract(origin.path.read_bytes(), origin.kind)
            except UnreadableError as error:
                left_out.append(LeftOut(origin.address, error.reason, error.detail))
            except OSError as error:
                left_out.append(LeftOut(origin.address, "unreadable", one_line(error)))
            else:
                read.append((origin, found))
                left_out += [LeftOut(origin.address, "needs_ocr", advice(), page=page) for page in found.pictures]
            advance()
    return read, left_out


def _passages(documents: Sequence[Document], config: Config) -> tuple[list[Passage], list[LeftOut]]:
    """The passages that are fit to be written from, and the others with the reason: too short, a rule's, copies."""
    shortest, longest = config.acquire.passage_min_characters, config.acquire.passage_max_characters
    cut = [passage for document in documents for passage in passages_of(document, shortest, longest)]
    short = [passage for passage in cut if len(passage.text) < shortest]
    whole = [passage for passage in cut if len(passage.text) >= shortest]
    faulty = faults(whole, config.purge)
    clean = [passage for place, passage in enumerate(whole) if place not in faulty]
    copied = copies(clean, config.purge)
    left_out = [
        *(_unfit(passage, "too_short", f"{len(passage.text)} characters") for passage in short),
        *(_unfit(whole[place], reason, f"measured {value:.3g}") for place, (reason, value) in faulty.items()),
        *(
            _unfit(clean[place], "near_duplicate", f"of {clean[first].passage_id}, Jaccard {jaccard:.2f}")
            for place, (first, jaccard) in copied.items()
        ),
    ]
    return [passage for place, passage in enumerate(clean) if place not in copied], left_out


def _write(config: Config, passages: Sequence[Passage], cache: Path) -> Written:
    """The pairs that the writer makes of the passages within the budget."""
    if not config.acquire.styles or not passages:
        return Written([], [], Usage(), "")
    chosen, beyond = _within_budget(passages, config.acquire.max_passages, config.seed)
    pairs: list[Pair] = []
    left_out = [_unfit(passage, "over_budget", "acquire.max_passages") for passage in beyond]
    with (
        progress("acquire: pairs", len(chosen) * len(config.acquire.styles)) as advance,
        open_session(config.llm, cache, purpose=NAME) as session,
    ):
        for asked in session.run(write(session, chosen, config.acquire, config.seed, advance)):
            found, unusable = pairs_of(asked)
            pairs += found
            left_out += unusable
        return Written(pairs, left_out, session.usage, session.model_name)


def _within_budget(passages: Sequence[Passage], most: int | None, seed: int) -> tuple[list[Passage], list[Passage]]:
    """A fixed random subset of at most `most` passages, in their order, and the others."""
    if most is None or len(passages) <= most:
        return list(passages), []
    import polars as pl

    drawn = chances(pl.Series([passage.passage_id for passage in passages]), seed)
    inside = set(drawn.arg_sort().head(most))
    return (
        [passage for place, passage in enumerate(passages) if place in inside],
        [passage for place, passage in enumerate(passages) if place not in inside],
    )


def _unfit(passage: Passage, reason: str, detail: str) -> LeftOut:
    address = passage.document.origin.address
    return LeftOut(address, reason, detail, passage.passage_id, page=passage.page, start=passage.start, end=passage.end)


def _identity(config: Config, documents: Sequence[Document]) -> Identity:
    """The documents count by what was read of them: a page that has changed is another."""
    given = {"documents": digest_of([document.document_id for document in documents])}
    return Identity(NAME, by_content(config.digestible(SECTIONS)), source_code.version(__name__), given)


def _metrics(
    documents: Sequence[Document], passages: Sequence[Passage], written: Written, left_out: Sequence[LeftOut]
) -> dict[str, float]:
    usage = written.usage
    counted = {
        "documents": len(documents),
        "passages": len(passages),
        "pairs": len(written.pairs),
        "left_out": len(left_out),
        "requests": usage.requests,
        "tokens_in": usage.tokens_in,
        "tokens_out": usage.tokens_out,
        "cost": usage.cost,
        **{f"pairs/{style}": count for style, count in Counter(pair.style for pair in written.pairs).items()},
        **{f"left_out/{reason}": count for reason, count in Counter(one.reason for one in left_out).items()},
    }
    return {name: float(value) for name, value in counted.items()}


def _notes(written: Written, styles: Sequence[AcquireStyle]) -> tuple[str, ...]:
    """Which model wrote, and by which versions of which prompts."""
    prompts = ", ".join(VERSIONS[style] for style in styles)
    return (f"written by {written.model} with {prompts}",) if written.model else ()


def _causes(left_out: Sequence[LeftOut]) -> str:
    """The commonest reasons, each with an example."""
    counts = Counter(one.reason for one in left_out)
    example = {one.reason: one for one in reversed(left_out)}
    return "; ".join(
        f"{count} x {reason} ({example[reason].address}: {example[reason].detail})"
        for reason, count in counts.most_common(REASONS_SHOWN)
    )

"""Schemas of every table the stages exchange: one place, with units and meaning.

Reasons, statuses and column names are an API: other stages, MLflow and users join on them
(`docs/formats.md` documents them, and a test holds the two together).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from entp.conversation import MESSAGES, canonical

#: The canonical sample. `tools` is JSON of the tools that its turns may call, null where there are none; `meta` is a
#: JSON object with at least `file` and `row` (1-based position in that file).
SAMPLES = pl.Schema(
    {
        "id": pl.String,
        "source": pl.String,
        "messages": MESSAGES,
        "tools": pl.String,
        "language": pl.String,
        "meta": pl.String,
    }
)

#: Rows that say which answer is better: what was said (`prompt`), and the answers `chosen` and `rejected`; one of the
#: two is null where the row only says of one answer whether it is good.
PREFERENCES = pl.Schema(
    {
        "id": pl.String,
        "source": pl.String,
        "prompt": MESSAGES,
        "chosen": MESSAGES,
        "rejected": MESSAGES,
        "tools": pl.String,
        "meta": pl.String,
    }
)

#: Input rows that could not be read. `line` is the row's 1-based position; `raw` is cut to 2,000 characters.
QUARANTINE = pl.Schema(
    {"file": pl.String, "line": pl.Int64, "source": pl.String, "reason": pl.String, "raw": pl.String}
)

#: Rows whose content is identical to an earlier row's: same id, kept once in `samples`.
REPEATS = pl.Schema({"id": pl.String, "source": pl.String, "meta": pl.String})

#: One decision about one sample. `value` is the number that was measured, `turn` the place of the answer that it was
#: measured of (from 0), null where it is of the whole sample; repairs have `keep` true.
VERDICTS = pl.Schema(
    {
        "id": pl.String,
        "stage": pl.String,
        "keep": pl.Boolean,
        "reason": pl.String,
        "value": pl.Float64,
        "turn": pl.Int64,
    }
)

#: Verdict reasons that mean "another copy survives"; they count as duplicates, all other drops as purged.
DUPLICATE_REASONS = ("exact_duplicate", "near_duplicate", "semantic_duplicate")

#: The verdict reason of a sample that gives an evaluation item away.
CONTAMINATED = "contaminated"

#: Which copy survived; `jaccard` is the verified shingle similarity (1.0 for exact duplicates), `cluster` the smallest
#: id of all samples that are linked by similar pairs. Of semantic duplicates there is no Jaccard similarity but the
#: `cosine` of the embeddings.
DUPLICATES = pl.Schema(
    {"id": pl.String, "survivor": pl.String, "jaccard": pl.Float64, "cosine": pl.Float64, "cluster": pl.String}
)

#: Spans that many responses share word for word: `text` (as one of them writes it), its `tokens`, and the number of
#: different `texts` that hold it; and where they are, from character `start` to `end` of the response.
SPANS = pl.Schema({"span": pl.Int64, "text": pl.String, "tokens": pl.Int64, "texts": pl.Int64})
SPAN_PLACES = pl.Schema({"id": pl.String, "span": pl.Int64, "start": pl.Int64, "end": pl.Int64})

#: How common a kept sample is among the others (0..1), and how often to take it for that (above 0, up to 1), as
#: `entp.purge.duplicates.commonness` says. Only there where it was asked for.
WEIGHTS = pl.Schema({"id": pl.String, "commonness": pl.Float64, "weight": pl.Float64})

_STRINGS: Any = pl.List(pl.String)
_NUMBERS: Any = pl.List(pl.Float64)
_COUNTS: Any = pl.List(pl.Int64)

#: A turn that repairs rewrote: its number in the conversation (from 0), what was mended, and its text before and after.
#: Personal data is replaced in both.
REPAIRS = pl.Schema({"id": pl.String, "turn": pl.Int64, "reasons": _STRINGS, "before": pl.String, "after": pl.String})

#: What each measured rule found in the pool: its `limit` (of a quantile: the median over samples), how often it
#: `fired`, where its numbers lie, and their histogram (`counts` between `edges`; the last bar holds all beyond).
RULES = pl.Schema(
    {
        "reason": pl.String,
        "action": pl.String,
        "measures": pl.String,
        "limit": pl.Float64,
        "samples": pl.Int64,
        "fired": pl.Int64,
        "median": pl.Float64,
        "p95": pl.Float64,
        "p99": pl.Float64,
        "maximum": pl.Float64,
        "edges": _NUMBERS,
        "counts": _COUNTS,
    }
)

#: A prompt or response (`side`) that gives an evaluation item away: `row` of `benchmark` (a file's name), the `share`
#: of what the item asks that it holds, the most `words` on end, and those words.
LEAKS = pl.Schema(
    {
        "id": pl.String,
        "side": pl.String,
        "benchmark": pl.String,
        "row": pl.Int64,
        "share": pl.Float64,
        "words": pl.Int64,
        "stretch": pl.String,
    }
)

#: How often personal data of a type was replaced by a placeholder in a sample.
PERSONAL = pl.Schema({"id": pl.String, "type": pl.String, "count": pl.Int64})

#: One rater's opinion. `score` 0..5 and `expected` (its mean) are null unless `status` is "rated";
#: `spread` is the standard deviation of the rater's own distribution, null where it has none.
RATINGS = pl.Schema(
    {
        "id": pl.String,
        "rater": pl.String,
        "status": pl.String,
        "score": pl.Int64,
        "expected": pl.Float64,
        "spread": pl.Float64,
    }
)
#: What a rater that writes its ratings says of each of CRITERIA, 1 to 10, for the samples it rated.
RATING_CRITERIA = pl.Schema({"id": pl.String, "rater": pl.String, "criterion": pl.String, "value": pl.Int64})
CRITERIA = ("rarity", "complexity", "informativeness", "overall")
RATING_STATUSES = ("rated", "unparsed", "timed_out", "truncated", "refused", "failed", "over_budget")

#: Scores after curation. `score_raw` and `score_curated` are null for an unrated sample; `confidence` (0..1) is the
#: share of the neighbourhood's vote in the curated score's band (low, middle, high), 0 for an unrated one; `tier` is
#: one of TIERS, "undecided" for a middle score, an unsure one or none. `neighbours_score` is the mean observed score of
#: the neighbours that voted.
SCORES = pl.Schema(
    {
        "id": pl.String,
        "score_raw": pl.Int64,
        "score_curated": pl.Int64,
        "neighbours_score": pl.Float64,
        "confidence": pl.Float64,
        "tier": pl.String,
    }
)
TIERS = ("HQ", "LQ", "undecided")

#: Unit-length sentence embeddings of the samples that reached curation.
EMBEDDINGS = pl.Schema([("id", pl.String), ("vector", pl.List(pl.Float32))])

#: Score transition matrices, one row per cell: P(observed score | true score) with its 95 % interval (null without a
#: bootstrap), and the prior of the true score. `source` is null in the matrix of the whole pool.
TRANSITION = pl.Schema(
    {
        "source": pl.String,
        "true": pl.Int64,
        "observed": pl.Int64,
        "probability": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "prior": pl.Float64,
    }
)

#: How far the vote can be believed: `forecasts` of "the rater gives this sample that score", made from the neighbours
#: alone, grouped by their mean `predicted` probability, and how often they came true (`observed`).
RELIABILITY = pl.Schema({"predicted": pl.Float64, "observed": pl.Float64, "forecasts": pl.Int64})

#: Domain of every low-quality sample: its cluster, the kind of task it sets (one of TASK_TYPES), whether it represents
#: the cluster, and two coordinates for a map.
CLUSTERS = pl.Schema(
    {
        "id": pl.String,
        "cluster": pl.Int64,
        "task_type": pl.String,
        "representative": pl.Boolean,
        "x": pl.Float64,
        "y": pl.Float64,
    }
)
TASK_TYPES = (
    "translation",
    "coding",
    "mathematics",
    "summarisation",
    "rewriting",
    "classification",
    "extraction",
    "brainstorming",
    "generation",
    "question_answering",
    "conversation",
    "other",
)

TASK_SHARES: Any = pl.List(pl.Struct({"task_type": pl.String, "share": pl.Float64}))

#: One row per cluster: `share` of the low-quality samples, `cohesion` (mean cosine similarity of its samples to its
#: centre), `keywords` (most telling first), `task_types` (commonest first), ids of its `representatives` (in the order
#: chosen), and how many of its `size` samples are `paired` and `left_over`.
DOMAINS = pl.Schema(
    {
        "cluster": pl.Int64,
        "size": pl.Int64,
        "share": pl.Float64,
        "cohesion": pl.Float64,
        "keywords": pl.List(pl.String),
        "task_types": TASK_SHARES,
        "representatives": pl.List(pl.String),
        "paired": pl.Int64,
        "left_over": pl.Int64,
    }
)

#: Two low-quality samples to be fused; `similarity` is the cosine of their embeddings, `complementarity` (0..1) as
#: `entp.pair.strategies` defines it, `cluster` null where the two are of different ones.
PAIRS = pl.Schema(
    {
        "pair_id": pl.String,
        "parent_a": pl.String,
        "parent_b": pl.String,
        "similarity": pl.Float64,
        "complementarity": pl.Float64,
        "cluster": pl.Int64,
    }
)

#: Every low-quality sample in no pair, and why (one of LEFT_OVER_REASONS).
LEFT_OVER = pl.Schema({"id": pl.String, "cluster": pl.Int64, "reason": pl.String})
LEFT_OVER_REASONS = ("alone_in_group", "too_different", "too_similar", "partner_taken", "calls_tools")

#: The outcome of one pair. `messages` is null unless the status is an accepted one; token counts are what the
#: pair's requests amount to, whether or not a cached reply answered them; `trace` is the story as JSON.
FUSIONS = pl.Schema(
    {
        "pair_id": pl.String,
        "status": pl.String,
        "messages": MESSAGES,
        "loss_first": pl.Float64,
        "loss_last": pl.Float64,
        "iterations": pl.Int64,
        "calls": pl.Int64,
        "tokens_in": pl.Int64,
        "tokens_out": pl.Int64,
        "trace": pl.String,
    }
)
FUSION_STATUSES = ("fused", "rewritten", "rejected", "failed", "over_budget")
ACCEPTED_STATUSES = ("fused", "rewritten")

#: What one check of the audit (`entp.audit.checks`) says of one accepted sample: `value` is what it measured, null
#: where there was nothing to measure; `detail` holds no personal data. A sample that fails one is turned down.
AUDIT_FINDINGS = pl.Schema(
    {"pair_id": pl.String, "check": pl.String, "value": pl.Float64, "passed": pl.Boolean, "detail": pl.String}
)

#: One number of all accepted samples, and the same of their parents (`reference`); `demand` says what must hold, empty
#: where nothing must.
AUDIT_MEASURES = pl.Schema(
    {
        "measure": pl.String,
        "value": pl.Float64,
        "reference": pl.Float64,
        "demand": pl.String,
        "passed": pl.Boolean,
    }
)

#: A training row. `origin` is "fusion", "rewrite" or "hq"; `parents` are the sample ids it came from.
TRAINING = pl.Schema(
    {
        "id": pl.String,
        "origin": pl.String,
        "source": pl.String,
        "messages": MESSAGES,
        "tools": pl.String,
        "parents": pl.List(pl.String),
    }
)

#: The training curve: mean loss (nats per assistant token) of each logged step.
TRAINING_LOG = pl.Schema({"step": pl.Int64, "loss": pl.Float64, "learning_rate": pl.Float64})

#: Loss (nats per assistant token) on each row kept out of training, before it and after.
VALIDATION_LOSSES = pl.Schema({"id": pl.String, "tokens": pl.Int64, "before": pl.Float64, "after": pl.Float64})

#: Rows of the training set that were not trained on: `split` is "train" or "validation", `reason` says what would have
#: been lost (`entp.train.examples`).
UNUSED = pl.Schema({"id": pl.String, "split": pl.String, "reason": pl.String})

#: One evaluation figure of a task (or group of tasks) that was asked for: `model` is "before" or "after"; `stderr` as
#: lm-evaluation-harness reports it, null where it cannot tell. The gate decides by each task's `headline` metric.
EVALUATION_SCORES = pl.Schema(
    {
        "model": pl.String,
        "task": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "stderr": pl.Float64,
        "items": pl.Int64,
        "headline": pl.Boolean,
        "higher_is_better": pl.Boolean,
    }
)

#: One model's value on one evaluation item, for metrics that are plain means. `subtask` is the leaf task of a group,
#: else the task itself; `item` is position and content digest, the same for both models.
EVALUATION_ITEMS = pl.Schema(
    {
        "model": pl.String,
        "task": pl.String,
        "subtask": pl.String,
        "item": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
    }
)

#: What both models wrote to an instruction, and the judge's `verdict` on the model after training: 1 won, 0.5 tie, 0
#: lost, null where the judge did not choose. Only with `evaluate.instructions`.
JUDGEMENTS = pl.Schema({"instruction": pl.String, "before": pl.String, "after": pl.String, "verdict": pl.Float64})

#: The gate's verdict on the new model, one row per task and one row "overall"; `promoted` and the one-sentence `reason`
#: are the same in all of them. `opponent` is what it was compared with, `gain` the difference (positive is better),
#: `noise` the gain that chance alone could bring; null where the opponent has no comparable score.
DECISION = pl.Schema(
    {
        "promoted": pl.Boolean,
        "reason": pl.String,
        "task": pl.String,
        "opponent": pl.String,
        "challenger": pl.Float64,
        "champion": pl.Float64,
        "gain": pl.Float64,
        "noise": pl.Float64,
        "model_version": pl.String,
    }
)


#: A document or page that `entp acquire` read. `address` is its path or URL; offsets of passages count characters of
#: `text`. `pages` is null where the format has none, `licence` where none is stated (SPDX name, address or words).
ACQUIRED_DOCUMENTS = pl.Schema(
    {
        "document_id": pl.String,
        "address": pl.String,
        "source": pl.String,
        "kind": pl.String,
        "title": pl.String,
        "licence": pl.String,
        "pages": pl.Int64,
        "text": pl.String,
    }
)

#: A stretch of a document: its `text` is the document's from character `start` to `end`; `headings` are those that it
#: stands under, outermost first; `page` (from 1) is where it begins, `last_page` where it ends.
ACQUIRED_PASSAGES = pl.Schema(
    {
        "passage_id": pl.String,
        "document_id": pl.String,
        "address": pl.String,
        "headings": _STRINGS,
        "page": pl.Int64,
        "last_page": pl.Int64,
        "start": pl.Int64,
        "end": pl.Int64,
        "language": pl.String,
        "text": pl.String,
    }
)

#: What the writer made of a passage: a conversation in one of ACQUIRED_STYLES. `material` says whether the passage
#: itself stands in its first turn; `id` is the one that `ingest` will give it.
ACQUIRED_PAIRS = pl.Schema(
    {"id": pl.String, "passage_id": pl.String, "style": pl.String, "material": pl.Boolean, "messages": MESSAGES}
)
ACQUIRED_STYLES = ("question_answer", "easy", "medium", "hard", "conversation", "synthesise")

#: What became nothing, and why: an address or document, a passage of it (`start` to `end`), or a request to the writer
#: (`style`). `reason` is one of ACQUIRED_REASONS, or a purge rule's.
ACQUIRED_LEFT_OUT = pl.Schema(
    {
        "address": pl.String,
        "passage_id": pl.String,
        "style": pl.String,
        "reason": pl.String,
        "detail": pl.String,
        "page": pl.Int64,
        "start": pl.Int64,
        "end": pl.Int64,
    }
)
ACQUIRED_REASONS = (
    "not_http",
    "repeated_address",
    "over_budget",
    "robots_disallow",
    "robots_unreachable",
    "http_error",
    "unreachable",
    "timed_out",
    "too_large",
    "too_many_redirects",
    "unsupported_type",
    "unreadable",
    "encrypted",
    "needs_ocr",
    "no_text",
    "same_content",
    "near_duplicate",
    "too_short",
    "unparsed",
    "truncated",
    "refused",
    "failed",
    "ungrounded",
    "incomplete",
)


def content_id(messages: Sequence[Mapping[str, Any]], tools: str | None = None) -> str:
    """Content address of a sample: hex of blake2b-128 over its canonical JSON."""
    return digest_of(canonical(messages, tools))


def digest_of(value: Any) -> str:
    """Hex of blake2b-128 over the canonical JSON of any JSON-like value."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def chances(ids: pl.Series, seed: int) -> pl.Series:
    """A number between 0 and 1, neither included, for each id: by chance, but always the same for an id and a seed."""
    numbers = [(int(digest_of([seed, identifier])[:12], 16) + 0.5) / 16**12 for identifier in ids]
    return pl.Series("chance", numbers, dtype=pl.Float64)

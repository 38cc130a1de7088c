"""Domain analysis: what each cluster of low-quality samples is about, and what became of it.

Keywords are by class-based TF-IDF (c-TF-IDF), which takes a whole domain for one document. Source: Grootendorst,
"BERTopic" (2022): weight = frequency in the class * log(1 + A / frequency in all classes), where A is the mean number
of words per class. Our choice: a prompt counts a word once, so that no long prompt speaks for all; the forms of one
word count together; numbers, single characters and the verbs of asking are no keywords.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import polars as pl

from entp.pair.cluster import Clustering
from entp.pair.pool import Pool
from entp.records import DOMAINS
from entp.text.key_terms import content_terms
from entp.text.word_forms import root
from entp.text.words import REQUEST_WORDS

DECIMALS = 6
KEYWORDS = 8
#: A word of fewer of a domain's prompts is that of a sample, not of the domain.
MIN_PROMPTS = 2


def domains_table(
    pool: Pool, clustering: Clustering, task_types: Sequence[str], chosen: np.ndarray, left_over: Collection[int]
) -> pl.DataFrame:
    """One row per cluster, the largest first. `chosen` are the rows of representatives, `left_over` those unpaired."""
    words = keywords(pool.prompts, pool.languages, clustering.labels.tolist())
    rows = []
    for cluster, centre in enumerate(clustering.centres):
        members = np.flatnonzero(clustering.labels == cluster).tolist()
        unpaired = sum(member in left_over for member in members)
        rows.append(
            {
                "cluster": cluster,
                "size": len(members),
                "share": round(len(members) / len(pool), DECIMALS),
                "cohesion": round(float((pool.vectors[members] @ centre).mean()), DECIMALS),
                "keywords": words[cluster],
                "task_types": shares([task_types[member] for member in members]),
                "representatives": [pool.ids[row] for row in chosen.tolist() if clustering.labels[row] == cluster],
                "paired": len(members) - unpaired,
                "left_over": unpaired,
            }
        )
    return pl.DataFrame(rows, schema=DOMAINS)


def shares(task_types: Sequence[str]) -> list[dict[str, Any]]:
    """Task types with their shares, the commonest first.

    >>> shares(["coding", "coding", "generation"])[0]
    {'task_type': 'coding', 'share': 0.666667}
    """
    counted = sorted(Counter(task_types).items(), key=lambda item: (-item[1], item[0]))
    return [{"task_type": name, "share": round(count / len(task_types), DECIMALS)} for name, count in counted]


def keywords(prompts: Sequence[str], languages: Sequence[str], domains: Sequence[int]) -> dict[int, list[str]]:
    """Up to KEYWORDS words of every domain, the most telling first; a word appears in its commonest form."""
    counts: dict[int, Counter[str]] = {domain: Counter() for domain in set(domains)}
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for prompt, language, domain in zip(prompts, languages, domains, strict=True):
        words = {word: root(word, language) for word in content_terms(prompt, language) if word not in REQUEST_WORDS}
        telling = {word: found for word, found in words.items() if len(word) > 1 and not found.isnumeric()}
        for word, found in telling.items():
            forms[found][word] += 1
        counts[domain].update(set(telling.values()))
    overall = sum(counts.values(), Counter[str]())
    mean_words = overall.total() / len(counts)
    return {
        domain: [_commonest(forms[found]) for found in _heaviest(own, overall, mean_words)]
        for domain, own in counts.items()
    }


def _heaviest(own: Counter[str], overall: Counter[str], mean_words: float) -> list[str]:
    weights = {
        word: count * math.log(1 + mean_words / overall[word]) for word, count in own.items() if count >= MIN_PROMPTS
    }
    return sorted(weights, key=lambda word: (-weights[word], word))[:KEYWORDS]


def _commonest(forms: Counter[str]) -> str:
    return min(forms, key=lambda form: (-forms[form], form))

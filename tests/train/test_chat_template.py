"""The marked template renders what the original renders, and marks the assistant's tokens and no others."""

from __future__ import annotations

import pytest

from entp.errors import SetupError
from entp.train.chat_template import mark_chatml, marked_template
from tests.train.tiny import CHATML, tiny_tokenizer

CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello?\n\nAre you there?"},
    {"role": "assistant", "content": "Yes.\n"},
    {"role": "user", "content": "你好"},
    {"role": "assistant", "content": " 好 "},
]
SPACED = """{% for message in messages %}
    {{- "<|im_start|>" + message.role + "\\n" + message.content | trim + "<|im_end|>" + "\\n" }}
{% endfor %}
{%- if add_generation_prompt %}{{ "<|im_start|>assistant\\n" }}{% endif %}"""
NEWLINE_AFTER = CHATML.replace("'\n'}}{% endfor", "'\n'}}\n  {% endfor")


@pytest.mark.parametrize("template", [CHATML, SPACED, NEWLINE_AFTER], ids=["smollm2", "spaced", "newline after"])
@pytest.mark.parametrize("turns", [2, 3, 5])
def test_rendering_stays_identical(template: str, turns: int):
    tokenizer = tiny_tokenizer(template)
    marked = marked_template(tokenizer, "tiny")
    for prompt in (False, True):
        original = tokenizer.apply_chat_template(CONVERSATION[:turns], tokenize=False, add_generation_prompt=prompt)
        assert original == tokenizer.apply_chat_template(
            CONVERSATION[:turns], tokenize=False, add_generation_prompt=prompt, chat_template=marked
        )


def test_exactly_the_answers_and_their_end_tokens_are_marked():
    tokenizer = tiny_tokenizer()
    encoded = tokenizer.apply_chat_template(
        CONVERSATION,
        chat_template=marked_template(tokenizer, "tiny"),
        tokenize=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    ours = [token for token, mark in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True) if mark]
    assert tokenizer.decode(ours) == "Yes.\n<|im_end|> 好 <|im_end|>"


def test_a_template_that_has_markers_is_kept():
    marked = mark_chatml(CHATML)
    assert marked_template(tiny_tokenizer(marked), "tiny") == marked


def test_a_template_that_trl_knows_is_marked():
    from trl.chat_template_utils import llama3_chat_template

    assert "{% generation %}" in marked_template(tiny_tokenizer(llama3_chat_template), "llama")


def test_an_unknown_template_is_refused_with_a_remedy():
    unknown = "{% for message in messages %}[{{ message.role }}] {{ message.content }}{% endfor %}"
    with pytest.raises(SetupError, match=r"train.model=odd: .*\{% generation %\}"):
        marked_template(tiny_tokenizer(unknown), "odd")


def test_markers_in_the_wrong_place_are_refused():
    wrong = mark_chatml(CHATML).replace("== 'assistant'", "== 'user'")
    with pytest.raises(SetupError, match="cannot be marked"):
        marked_template(tiny_tokenizer(wrong), "odd")


def test_a_base_model_without_a_template_is_refused():
    with pytest.raises(SetupError, match=r"train\.model=base: its tokenizer has no chat template"):
        marked_template(tiny_tokenizer(None), "base")

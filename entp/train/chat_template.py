"""Mark the assistant's words in a chat template, so that the loss can be taken on them alone.

transformers finds the assistant's tokens by `{% generation %}` markers, which most published templates lack. The
marked template is used for encoding the training rows only; the model is published with its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from entp.conversation import Message
from entp.errors import SetupError

MARKER = re.compile(r"\{%-?\s*generation\s*-?%\}")

#: The one expression of a ChatML template that prints a whole turn, as SmolLM2, Qwen2 and many others write it:
#: '<|im_start|>' + role + newline + content + '<|im_end|>' + newline. The newline may be escaped or literal.
CHATML_TURN = re.compile(
    r"""\{\{(?P<open>-?)\s*(?P<start>['"]<\|im_start\|>['"])\s*\+\s*
    (?P<role>message(?:\.role|\[['"]role['"]\]))\s*\+\s*
    (?P<newline>['"](?:\\n|\n)['"])\s*\+\s*
    (?P<content>message(?:\.content|\[['"]content['"]\])(?:\s*\|\s*trim)?)\s*\+\s*
    (?P<end>['"]<\|im_end\|>['"])\s*\+\s*
    (?P<last>['"](?:\\n|\n)['"])\s*(?P<close>-?)\}\}""",
    re.VERBOSE,
)

_QUESTION = Message(role="user", content="What is 2 + 2?\n\nThink first.")
_ANSWER = Message(role="assistant", content="It is 4.\n\n- two\n- and two")
_CONVERSATIONS: tuple[list[Message], ...] = (
    [_QUESTION, _ANSWER],
    [Message(role="system", content="Be brief."), _QUESTION, _ANSWER],
    [_QUESTION, _ANSWER, Message(role="user", content="再说一遍"), Message(role="assistant", content="  是四。 ")],
)


def marked_template(tokenizer: Any, model: str) -> str:
    """The tokenizer's chat template with the assistant's words and end-of-turn token marked.

    Every sample conversation must render the same with it as with the original, and the marked tokens must be the
    answers and nothing else. Raises SetupError, naming `model` and the remedy, where that cannot be had.
    """
    original = tokenizer.chat_template
    if not isinstance(original, str) or not original:
        raise SetupError(
            f"train.model={model}: its tokenizer has no chat template; take an instruct model, "
            "or add a `chat_template.jinja` with {% generation %} markers to its folder"
        )
    marked = original if MARKER.search(original) else mark_chatml(original) or _mark_as_trl_does(tokenizer)
    if marked is None or not all(_equivalent(tokenizer, original, marked, chat) for chat in _CONVERSATIONS):
        raise SetupError(
            f"train.model={model}: the assistant's turns cannot be marked in its chat template without changing what "
            "it renders; wrap them in {% generation %} ... {% endgeneration %} in a copy of the model's folder "
            "(`chat_template.jinja`) and set train.model to that folder"
        )
    return marked


def mark_chatml(template: str) -> str | None:
    """A ChatML template with markers, or None where it does not print its turns in the known way."""
    marked, turns = CHATML_TURN.subn(_mark_turn, template)
    return marked if turns else None


def _mark_turn(turn: re.Match[str]) -> str:
    """The same turn, its content and end token inside markers when the assistant speaks.

    White-space control stays on the outer edges only; "+" keeps there what a block tag would trim and an expression
    does not.
    """
    part = turn.groupdict()
    head = f"{{{{ {part['start']} + {part['role']} + {part['newline']} }}}}"
    body = f"{{{{ {part['content']} + {part['end']} }}}}"
    tail = f"{{{{ {part['last']} }}}}"
    return (
        f"{{%{part['open'] or '+'} if {part['role']} == 'assistant' %}}"
        f"{head}{{% generation %}}{body}{{% endgeneration %}}{tail}"
        f"{{% else %}}{head}{body}{tail}{{% endif {part['close'] or '+'}%}}"
    )


def _mark_as_trl_does(tokenizer: Any) -> str | None:
    """TRL keeps marked copies of some well-known templates (Llama 3, Gemma, Qwen3 and others)."""
    from trl.chat_template_utils import get_training_chat_template

    try:
        marked: str | None = get_training_chat_template(tokenizer)
    except ValueError:
        return None
    return marked


def _equivalent(tokenizer: Any, original: str, marked: str, conversation: Sequence[Message]) -> bool:
    """Both render `conversation` alike, as a whole and as a prompt; the marked tokens spell its answers."""
    if not _renders_alike(tokenizer, original, marked, conversation):
        return False
    if _render(tokenizer, original, conversation, prompt=False) is None:
        return True
    encoded = tokenizer.apply_chat_template(
        conversation, chat_template=marked, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    tokens = [token for token, ours in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True) if ours]
    spoken = tokenizer.decode(tokens)
    others = [turn["content"] for turn in conversation if turn["role"] != "assistant"]
    answers = [turn["content"].strip() for turn in conversation if turn["role"] == "assistant"]
    return all(answer in spoken for answer in answers) and not any(other in spoken for other in others)


def _renders_alike(tokenizer: Any, original: str, marked: str, conversation: Sequence[Message]) -> bool:
    """A template that refuses a conversation (some allow no system turn) must refuse it marked, too."""
    return all(
        _render(tokenizer, original, turns, prompt) == _render(tokenizer, marked, turns, prompt)
        for turns, prompt in ((conversation, False), (conversation[:-1], True))
    )


def _render(tokenizer: Any, template: str, conversation: Sequence[Message], prompt: bool) -> str | None:
    from jinja2.exceptions import TemplateError

    try:
        text: str = tokenizer.apply_chat_template(
            conversation, chat_template=template, tokenize=False, add_generation_prompt=prompt
        )
    except TemplateError:
        return None
    return text

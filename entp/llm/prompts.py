"""Requests as tokens, for the backends that hold the model themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from entp.conversation import Message
from entp.errors import SetupError
from entp.llm.client import Choose, Generate, LogLikelihood, Reply


@dataclass(frozen=True)
class ToWrite:
    """A reply to be written after `prompt`."""

    request: Generate
    prompt: list[int]

    @property
    def length(self) -> int:
        return len(self.prompt) + self.request.max_tokens


@dataclass(frozen=True)
class ToChoose:
    """Answers to be weighed after `prompt`, by the token that each begins with."""

    request: Choose
    prompt: list[int]
    first_tokens: list[int]

    @property
    def length(self) -> int:
        return len(self.prompt) + 1


@dataclass(frozen=True)
class ToScore:
    """A continuation to be scored after its context (which is never empty)."""

    context: list[int]
    continuation: list[int]

    @property
    def length(self) -> int:
        return len(self.context) + len(self.continuation)


def too_long(item: ToWrite | ToChoose | ToScore, longest: int) -> Reply:
    """The reply to what does not fit into `llm.max_context` tokens: only the caller knows what may be cut."""
    return Reply(
        status="failed",
        error=f"prompt and reply need {item.length} tokens, llm.max_context is {longest}: cut the texts",
    )


class Prompts:
    """Turns messages into tokens by the model's own chat template.

    The template's special tokens are taken apart wherever they stand inside a message: what a sample says is data, and
    must not open or close turns.
    """

    def __init__(self, tokenizer: Any, model: str) -> None:
        if not tokenizer.chat_template:
            raise SetupError(f"model {model!r} has no chat template; choose an instruction-tuned model")
        self._tokenizer = tokenizer
        self._defuse = _defuser(tokenizer)
        self._first_tokens: dict[tuple[str, ...], list[int]] = {}

    def to_write(self, request: Generate) -> ToWrite:
        """The conversation, up to where the assistant's reply begins."""
        return ToWrite(request, self._opened(request.messages))

    def to_choose(self, request: Choose) -> ToChoose:
        """The conversation and the answers' first tokens. Raises ValueError where two of them are the same."""
        return ToChoose(request, self._opened(request.messages), self.first_tokens(request.answers))

    def to_score(self, request: LogLikelihood) -> ToScore:
        """Context and continuation. Without messages the context is the model's first token alone."""
        continuation = self._encode(self._defuse(request.continuation))[: request.max_tokens]
        if request.messages:
            return ToScore(self._opened(request.messages), continuation)
        beginning = self._tokenizer.bos_token_id
        return ToScore([self._tokenizer.eos_token_id if beginning is None else beginning], continuation)

    def first_tokens(self, answers: tuple[str, ...]) -> list[int]:
        """The token each answer begins with, where the reply begins.

        Raises ValueError where two answers begin with the same one: the model could not tell us which it means.
        """
        if answers not in self._first_tokens:
            opening = self._rendered([Message(role="user", content="?")])
            before = self._encode(opening)
            firsts = []
            for answer in answers:
                joined = self._encode(opening + answer)
                same = joined[: len(before)] == before and len(joined) > len(before)
                firsts.append(joined[len(before)] if same else self._encode(answer)[0])
            if len(set(firsts)) < len(answers):
                raise ValueError(f"answers {answers} do not differ in their first token")
            self._first_tokens[answers] = firsts
        return self._first_tokens[answers]

    def text(self, tokens: Sequence[int]) -> str:
        """The words of a reply, without special tokens."""
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True))

    def _opened(self, messages: Sequence[Message]) -> list[int]:
        return self._encode(self._rendered(messages))

    def _rendered(self, messages: Sequence[Message]) -> str:
        safe = [{"role": message["role"], "content": self._defuse(message["content"])} for message in messages]
        # templates of models that can think aloud read `enable_thinking`; the others ignore it
        return str(
            self._tokenizer.apply_chat_template(safe, add_generation_prompt=True, tokenize=False, enable_thinking=False)
        )

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))


def _defuser(tokenizer: Any) -> Callable[[str], str]:
    """Replaces `<|im_end|>` by `< |im_end|>`, and so on for the model's own special tokens."""
    special = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    marks = sorted((mark for mark in special if len(mark) > 1), key=len, reverse=True)
    if not marks:
        return lambda text: text
    pattern = re.compile("|".join(map(re.escape, marks)))
    return lambda text: pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)

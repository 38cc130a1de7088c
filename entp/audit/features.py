"""What the checks read of a conversation; each feature is made when it is first asked for, and kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from entp.audit.toxic_words import toxic_words
from entp.conversation import Message, prompt_of, response_of
from entp.pii.find import find_personal_data
from entp.purge.duplicates.shingles import Shingles, shingles
from entp.text.words import words

#: As in purge's default.
SHINGLE_WORDS = 5


@dataclass(frozen=True)
class Features:
    """Of one conversation."""

    messages: list[Message]

    @cached_property
    def prompt(self) -> str:
        return prompt_of(self.messages)

    @cached_property
    def response(self) -> str:
        return response_of(self.messages)

    @cached_property
    def prompt_words(self) -> list[str]:
        return words(self.prompt)

    @cached_property
    def response_words(self) -> list[str]:
        return words(self.response)

    @cached_property
    def shingles(self) -> tuple[Shingles, Shingles]:
        """Of prompt and response."""
        return shingles(self.prompt, SHINGLE_WORDS), shingles(self.response, SHINGLE_WORDS)

    @cached_property
    def toxic_words(self) -> frozenset[str]:
        return toxic_words(self.prompt_words) | toxic_words(self.response_words)

    @cached_property
    def personal_data(self) -> frozenset[tuple[str, str]]:
        """Types and texts of the personal data in all turns: for comparing, never for showing."""
        return frozenset(
            (datum.type, turn["content"][datum.start : datum.end])
            for turn in self.messages
            for datum in find_personal_data(turn["content"])
        )

"""Why a row is quarantined. The names are an API: tables, metrics and users join on them."""

from __future__ import annotations

REASONS = {
    "wrong_encoding": "its bytes are not UTF-8, or its text holds half a surrogate pair",
    "invalid_json": "it is not JSON (the row, or its JSON-encoded conversation)",
    "invalid_csv": "its quotes do not close, or text follows a closing quote",
    "wrong_column_count": "it has more or fewer cells than the header",
    "not_an_object": "it is JSON, but not an object with named fields",
    "unknown_shape": "its fields fit no accepted row format",
    "missing_prompt": "its prompt is absent, null or blank",
    "missing_response": "its response is absent or null, or the user has the last word",
    "empty": "prompt and response are both blank",
    "not_text": "a prompt, response or turn is not text (a list, an object, a boolean)",
    "no_assistant_turn": "its conversation has no assistant turn",
    "wrong_role_order": "after an optional system turn, user and assistant (with its tools) do not alternate, the user "
    "first, or somebody else than the assistant reasons or calls",
    "unknown_role": "a turn is by somebody else than system, user, assistant or tool",
    "repeated_key": "an object in it names a key twice: one of the values would be lost",
    "conflicting_fields": "two fields of the same meaning say different things",
    "unread_fields": "a field that carries meaning is no part of the row's format: it would be lost",
    "needs_media": "it comes with an image, a video or sound, which is not read",
    "fractional_weight": "a turn's weight is neither 0 nor 1",
    "nothing_learnt": "no answer of it is to be learnt from",
    "unreadable_tools": "its tools, or a call of one, are not in a form that is known",
    "unreadable_choices": "its options cannot be read, or the answer stands for none of them",
    "unreadable_preference": "its chosen and rejected answers are the same, or no answers",
    "too_long": "its content is longer than ingest.max_characters",
}


class RowError(ValueError):
    """A row that goes to quarantine for `reason`, one of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

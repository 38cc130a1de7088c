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
    "not_text": "a prompt, response or turn is not text (a list, an object, a boolean, an image part)",
    "no_assistant_turn": "its conversation has no assistant turn",
    "wrong_role_order": "after an optional system turn, user and assistant do not alternate, the user first",
    "unknown_role": "a turn is by somebody else than system, user or assistant (a tool, a function)",
    "too_long": "its content is longer than ingest.max_characters",
}


class RowError(ValueError):
    """A row that goes to quarantine for `reason`, one of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

from __future__ import annotations

from entp import params
from entp.config import Config


def test_fields_that_do_not_shape_results_stay_out_of_the_digest():
    slow, fast = params.load(None, ["llm.concurrency=1"]), params.load(None, ["llm.concurrency=99"])
    assert slow.digestible(["llm"]) == fast.digestible(["llm"])
    assert params.load(None, ["llm.model=other"]).digestible(["llm"]) != slow.digestible(["llm"])


def test_every_field_says_what_it_means():
    for name, section in Config.model_fields.items():
        fields = getattr(section.annotation, "model_fields", {name: section})
        assert all(field.description for field in fields.values()), name

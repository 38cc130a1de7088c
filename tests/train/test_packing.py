"""Packed samples do not see each other; a model that would let them is found out."""

from __future__ import annotations

import pytest
import torch

from entp.train.packing import keeps_samples_apart
from tests.train.tiny import tiny_model


def test_attention_keeps_packed_samples_apart():
    assert keeps_samples_apart(tiny_model())


def test_a_model_blind_to_position_restarts_is_found_out(monkeypatch: pytest.MonkeyPatch):
    model = tiny_model()
    forward = model.forward

    def blind(position_ids: torch.Tensor, **inputs: object) -> object:
        return forward(position_ids=torch.arange(position_ids.shape[1])[None], **inputs)

    monkeypatch.setattr(model, "forward", blind)
    assert not keeps_samples_apart(model)

"""Where a sample would move the adapters: its gradient, and the step that Adam would take with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from entp.progress import Advance
from entp.train.descent import loss_of
from entp.train.examples import Example


def width(model: Any) -> int:
    """Numbers that are trained."""
    return sum(weights.numel() for weights in _trainable(model))


def gradients(model: Any, examples: Sequence[Example], advance: Advance) -> Iterator[np.ndarray]:
    """Gradient [p] of each example's mean loss for all trainable weights, on end. One backward pass each."""
    import torch

    weights = _trainable(model)
    model.eval()
    for example in examples:
        parts = torch.autograd.grad(loss_of(model, example), weights)
        yield torch.cat([part.flatten().float() for part in parts]).cpu().numpy()
        advance(1)


@dataclass(frozen=True)
class Adam:
    """Adam's running means of gradients and of their squares [p], after `steps` steps."""

    first: np.ndarray
    second: np.ndarray
    steps: int
    betas: tuple[float, float]
    epsilon: float

    def step(self, gradient: np.ndarray) -> np.ndarray:
        """What it would do next with this gradient, without the learning rate (arXiv 2402.04333, section 2.2)."""
        (keep, keep_square), ahead = self.betas, self.steps + 1
        first = keep * self.first + (1 - keep) * gradient
        second = keep_square * self.second + (1 - keep_square) * gradient**2
        return np.asarray((first / (1 - keep**ahead)) / (np.sqrt(second / (1 - keep_square**ahead)) + self.epsilon))


def adam_of(model: Any, optimizer: Any) -> Adam:
    """Where torch's optimizer stands."""
    import torch

    states = [optimizer.state[weights] for weights in _trainable(model)]
    first, second = (
        torch.cat([state[name].flatten().float() for state in states]).cpu().numpy()
        for name in ("exp_avg", "exp_avg_sq")
    )
    return Adam(first, second, int(states[0]["step"]), optimizer.defaults["betas"], optimizer.defaults["eps"])


def _trainable(model: Any) -> list[Any]:
    return [weights for weights in model.parameters() if weights.requires_grad]

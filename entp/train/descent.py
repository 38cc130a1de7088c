"""Plain gradient descent on adapters, a sample at a time: for signals that have to look inside a training.

The model that one wants is trained by `entp.train.sft`; this is for what a Trainer hides, such as Adam's state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from entp.config import TrainConfig
from entp.progress import progress
from entp.train.examples import IGNORED, Example


def descend(
    model: Any, examples: Sequence[Example], config: TrainConfig, epochs: int, seed: int, optimizer: Any = None
) -> Any:
    """Train the adapters for some epochs, at a constant rate; returns the optimizer (AdamW, without decay).

    A step is taken every `config.batch_size` examples. Hand the optimizer in again to go on.
    """
    optimizer = optimizer or optimizer_of(model, config)
    generator = np.random.default_rng(seed)
    model.train()
    with progress("select: train", epochs * len(examples)) as advance:
        for _ in range(epochs):
            order = generator.permutation(len(examples))
            for start in range(0, len(order), config.batch_size):
                batch = order[start : start + config.batch_size]
                for place in batch:
                    (loss_of(model, examples[place]) / len(batch)).backward()
                    advance(1)
                optimizer.step()
                optimizer.zero_grad()
    return optimizer


def optimizer_of(model: Any, config: TrainConfig) -> Any:
    """AdamW without decay, for what is to be trained."""
    import torch

    weights = [part for part in model.parameters() if part.requires_grad]
    return torch.optim.AdamW(weights, lr=config.learning_rate, weight_decay=0.0)


def loss_of(model: Any, example: Example) -> Any:
    """Mean negative log-likelihood of an example's assistant tokens, as a tensor that can be differentiated."""
    return token_losses(model, example).mean()


def token_losses(model: Any, example: Example) -> Any:
    """Negative log-likelihood of each assistant token (nats), as a tensor that can be differentiated."""
    import torch

    ids = torch.tensor([example.input_ids], device=model.device)
    labels = torch.tensor(example.labels[1:], device=model.device)
    logits = model(input_ids=ids, use_cache=False).logits[0, :-1].float()
    ours = labels != IGNORED
    return torch.nn.functional.cross_entropy(logits[ours], labels[ours], reduction="none")

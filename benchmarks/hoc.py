"""High-order consensus as DS2 describes it: our own reading, as a rival for benchmarks.curate.

Fifty rounds of 50,000 samples are counted and averaged; T = softmax of free logits that begin at 5 on and -1 off the
diagonal, p likewise from zeros; Adam (learning rate 0.1, 1,501 steps) on the squared differences of the consensus of
first, second and third order. All three samples of a triple are taken to share their true score.
"""

from __future__ import annotations

import numpy as np
import torch

ROUNDS, SAMPLED = 50, 50_000
STEPS, LEARNING_RATE = 1501, 0.1


def fit(scores: np.ndarray, neighbours: np.ndarray, n_scores: int) -> np.ndarray:
    """T [n_scores, n_scores] from `scores` [n] and `neighbours` [n, 2]."""
    third = torch.tensor(sampled_consensus(scores, neighbours, n_scores), dtype=torch.float32)
    second, first = third.sum(dim=2), third.sum(dim=(1, 2))
    logits = (6 * torch.eye(n_scores) - 1).requires_grad_()
    prior_logits = torch.zeros(n_scores, requires_grad=True)
    optimiser = torch.optim.Adam([logits, prior_logits], lr=LEARNING_RATE)
    for _ in range(STEPS):
        matrix, prior = logits.softmax(dim=1), prior_logits.softmax(dim=0)
        weighted = prior[:, None] * matrix
        loss = (
            (weighted.sum(dim=0) - first).square().sum()
            + (weighted.T @ matrix - second).square().sum()
            + (torch.einsum("ta,tb,tc->abc", weighted, matrix, matrix) - third).square().sum()
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return logits.detach().softmax(dim=1).numpy()


def sampled_consensus(scores: np.ndarray, neighbours: np.ndarray, n_scores: int) -> np.ndarray:
    """Shares [s, s, s] of the triples of the sampled rounds."""
    random = np.random.default_rng(0)
    triples = np.column_stack([scores, scores[neighbours[:, 0]], scores[neighbours[:, 1]]])
    counts = np.zeros((n_scores,) * 3)
    for _ in range(ROUNDS):
        rows = random.choice(len(scores), min(SAMPLED, len(scores)), replace=False)
        np.add.at(counts, tuple(triples[rows].T), 1)
    return counts / counts.sum()

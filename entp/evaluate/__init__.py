"""Evaluate: score the model before and after training with lm-evaluation-harness, on local task files."""

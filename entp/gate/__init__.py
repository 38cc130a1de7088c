"""Gate: a new model replaces the champion only if it is better beyond the noise, and the reason is kept."""

"""Tracking in MLflow: runs, what is logged to them, and the work on each pair as a trace."""

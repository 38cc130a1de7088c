"""The pipelines: purge-mix linked to fine-tuning and evaluation, its data part alone, and comparisons."""

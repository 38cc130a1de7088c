"""Ablations and rivals of `mix`: the same pool under several settings, at a matched budget, in one table."""

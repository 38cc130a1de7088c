"""Pair: group the low-quality samples by domain, and match those that complement each other."""

"""Copies: which samples say the same, how surely, and which of them stays.

Near-duplicates are found by an exact set-similarity join (`join.py`), not by sketches: a pair is missed by no chance. A
sample's shingles are hashed chunk by chunk (`shingles.py`); what most samples have in common with no other rules most of
them out at once (`shared.py`); pairs of the rest are compared shingle by shingle (`similarity.py`), and the connected
components of similar pairs (`components.py`) keep their best samples (`survivors.py`).
"""

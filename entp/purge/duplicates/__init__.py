"""Copies: which samples say the same, how surely, and which of them stays.

Near-duplicates are found by an exact set-similarity join (`join.py`), not by sketches: no pair is missed by chance. A
sample's shingles are hashed chunk by chunk (`shingles.py`). Most samples have too many that occur nowhere else to have
a partner, and are out at once (`shared.py`). Pairs of the rest are compared shingle by shingle (`similarity.py`), and
the connected components of similar pairs keep their best samples (`near.py`). `find.py` looks for all kinds in turn.
"""

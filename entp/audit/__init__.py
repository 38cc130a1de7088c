"""The audit of new samples, before they are published: what is wrong with each, and what has become of the whole.

`checks.py` looks at one sample at a time; a sample that fails a check is turned down. `measures.py` compares the set
with the parents it was made from. `verdict.py` fails the stage where too many samples were turned down, or the set
falls behind.
"""

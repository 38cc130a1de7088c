"""Personal data in a text: where it stands and of which type, as pure functions. What is done about it is the caller's.

One recogniser per type, listed in `find.py`. Each leaves out what belongs to nobody: addresses that documentation
reserves, numbers that films and test systems use, hotlines of organisations.
"""

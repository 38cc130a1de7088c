"""Documents and pages become instruction rows: found or fetched, read, cut into passages, and turned into pairs.

`documents.py` and `fetch_pages.py` find them, `extract/` reads each format into blocks, `clean.py` and `passages.py`
make passages of those, `deduplicate.py` drops copies, `writer.py` asks the language model, `replies.py` makes pairs of
what it says. `acquire.py` puts this together.
"""

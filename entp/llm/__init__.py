"""Language models behind one protocol (`client.py`), with a request cache and a token ledger under all of them."""

"""Selectors: what `entp compare` holds purge-mix against. `selectors.py` is the table of them."""

from __future__ import annotations

from entp.select.choices import SELECTION
from entp.select.selectors import SELECTORS, Selector, selector_named

__all__ = ["SELECTION", "SELECTORS", "Selector", "selector_named"]

"""When to start no further pair: limits on requests, tokens, money and time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from entp.config import Config
from entp.mix.fuse import Fusion


class Budget:
    """Watches what finished pairs have spent.

    Requests, tokens and money count cached or not, so that a resumed run stops at the same pair. Time counts from the
    start of this run, so that one is bounded, not the sum of several.
    """

    def __init__(self, config: Config) -> None:
        self._started = time.monotonic()
        self._counted = 0
        price_in, price_out = config.llm.price_in / 1e6, config.llm.price_out / 1e6
        measured: dict[str, Callable[[Fusion], float]] = {
            "max_requests": lambda fusion: fusion.calls,
            "max_tokens": lambda fusion: fusion.tokens_in + fusion.tokens_out,
            "max_cost": lambda fusion: fusion.tokens_in * price_in + fusion.tokens_out * price_out,
        }
        self._limits = {name: getattr(config.mix, name) for name in measured if getattr(config.mix, name) is not None}
        self._measured = measured
        self._spent = dict.fromkeys(self._limits, 0.0)
        self._seconds = config.mix.max_seconds
        #: The limit that was reached, by its name in the configuration.
        self.reached: str | None = None

    @property
    def limited(self) -> bool:
        return bool(self._limits) or self._seconds is not None

    def allows(self, finished: Sequence[Fusion]) -> bool:
        """Whether a further pair may start. `finished` grows from call to call and never changes."""
        for fusion in finished[self._counted :]:
            for name in self._spent:
                self._spent[name] += self._measured[name](fusion)
        self._counted = max(self._counted, len(finished))
        if self.reached is None:
            self.reached = self._spent_up()
        return self.reached is None

    def _spent_up(self) -> str | None:
        if self._seconds is not None and time.monotonic() - self._started >= self._seconds:
            return "max_seconds"
        return next((name for name, limit in self._limits.items() if self._spent[name] >= limit), None)

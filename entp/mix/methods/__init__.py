"""How a new sample is made: ENTP's own two cycles, and the rivals it is compared with, by `mix.method`.

A method gets the work on one pair and returns its draft. Loss, rating and the bar for acceptance are the same for all,
save that a draft is compared with the parents it is made of, and need not hold what its method does not promise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from entp.mix.draft import Draft
from entp.mix.methods import two_cycles
from entp.mix.methods.rivals import evol_instruct, one_shot, one_to_one, self_instruct, self_refine
from entp.mix.work import Work
from entp.text.key_terms import Corpus

Method = Callable[[Work, Corpus], Awaitable[Draft]]

METHODS: dict[str, Method] = {
    "entp": two_cycles.draft,
    "one_shot": one_shot,
    "one_to_one": one_to_one,
    "self_refine": self_refine,
    "self_instruct": self_instruct,
    "evol_instruct": evol_instruct,
}

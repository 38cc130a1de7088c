"""What happens to the next token's logits while a batch is generated: grammar, sampling, stopping, row by row.

`transformers` decodes the whole batch greedily; these three let every row keep its own schema, temperature, seed and
length, so that a reply does not depend on what else was asked with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: Below this, -log(u) would overflow.
TINY = 1e-30


class GrammarMask:
    """Forbids the tokens that a row's grammar does not allow (None: anything goes)."""

    def __init__(self, matchers: Sequence[Any | None], vocabulary: int) -> None:
        import xgrammar

        self._live = {row: matcher for row, matcher in enumerate(matchers) if matcher is not None}
        self._bitmask = xgrammar.allocate_token_bitmask(len(matchers), vocabulary)
        self._started = False

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        import xgrammar

        if self._started:
            self._accept(input_ids[:, -1].tolist())
        self._started = True
        rows = list(self._live)
        if not rows:
            return scores
        for row in rows:
            self._live[row].fill_next_token_bitmask(self._bitmask, row)
        xgrammar.apply_token_bitmask_inplace(scores, self._bitmask.to(scores.device), indices=rows)
        return scores

    def _accept(self, tokens: Sequence[int]) -> None:
        """Follow each row's last token; a row that ended (its padding is no part of the grammar) is done."""
        for row, matcher in list(self._live.items()):
            if not matcher.accept_token(tokens[row]) or matcher.is_terminated():
                del self._live[row]


class RowSampling:
    """Makes greedy decoding sample: Gumbel noise from the row's own generator, scaled to the row's temperature.

    The largest of logit / temperature + Gumbel noise is a draw from the softmax (Gumbel-max). Temperature 0 is greedy.
    """

    def __init__(self, temperatures: Sequence[float], seeds: Sequence[int]) -> None:
        import torch

        self._rows = [
            (row, temperature, torch.Generator().manual_seed(seed))
            for row, (temperature, seed) in enumerate(zip(temperatures, seeds, strict=True))
            if temperature > 0
        ]

    def __call__(self, input_ids: Any, scores: Any) -> Any:  # noqa: ARG002 - the interface of transformers
        import torch

        for row, temperature, generator in self._rows:
            exponential = torch.empty(scores.shape[-1]).exponential_(generator=generator).clamp_min(TINY)
            scores[row] = scores[row] / temperature - exponential.log().to(scores.device)
        return scores


class RowLengths:
    """Stops each row at its own number of new tokens."""

    def __init__(self, prompt_length: int, max_tokens: Sequence[int]) -> None:
        self._prompt_length = prompt_length
        self._max_tokens = max_tokens

    def __call__(self, input_ids: Any, scores: Any) -> Any:  # noqa: ARG002 - the interface of transformers
        import torch

        written = input_ids.shape[1] - self._prompt_length
        return torch.tensor([written >= most for most in self._max_tokens], device=input_ids.device)


class Grammars:
    """Compiled JSON schemas of one model, each compiled once."""

    def __init__(self, tokenizer: Any, vocabulary: int, stop_tokens: Sequence[int]) -> None:
        import xgrammar

        information = xgrammar.TokenizerInfo.from_huggingface(
            tokenizer, vocab_size=vocabulary, stop_token_ids=list(stop_tokens)
        )
        self._compiler = xgrammar.GrammarCompiler(information)

    def matcher(self, schema: dict[str, Any]) -> Any:
        """A fresh matcher for one reply. Raises RuntimeError or ValueError for a schema that cannot be compiled.

        White space is fixed: a small model would otherwise fill its reply with it.
        """
        import xgrammar

        return xgrammar.GrammarMatcher(self._compiler.compile_json_schema(schema, any_whitespace=False))

"""Acceptance: whether a new sample is good enough, and the sentence that says why. The bar is never lowered."""

from __future__ import annotations

from collections.abc import Sequence

from entp.config import MixConfig
from entp.mix.loss import Written
from entp.mix.trace import Decision, Ratings


def verdict(
    texts: Sequence[Written], loss: float, rating: float | None, parents: Sequence[float | None], config: MixConfig
) -> str:
    """ "accepted", or the reason why not, most telling first (one of `trace.REASONS`).

    `rating` must not be below that of any of the `parents`; what has no rating can't be shown to be as good.
    """
    if any(text.truncated for text in texts):
        return "reply_truncated"
    if loss > config.accept_loss:
        return "loss_too_high"
    known = [value for value in parents if value is not None]
    if rating is None or len(known) < len(parents):
        return "unrated"
    return "accepted" if rating >= max(known) else "below_better_parent"


def better_parent(ratings: Ratings) -> int | None:
    """The place (0 or 1) of the better-rated parent, the first of equals; None where neither is rated."""
    values = [ratings["parent_a"], ratings["parent_b"]]
    rated = [place for place, value in enumerate(values) if value is not None]
    return max(rated, key=lambda place: (values[place], -place), default=None)


def accepted(places: Sequence[int], loss: float, ratings: Ratings, config: MixConfig) -> Decision:
    """A draft of the parents at `places` passed."""
    bound = f"its loss {loss:.2f} is within {config.accept_loss:.2f}"
    if len(places) > 1:
        sentence = (
            f"Both parents became one sample: {bound}, and its rating {_shown(ratings['fused'])} is not below the "
            f"better parent's {_better(ratings)}."
        )
        return Decision(status="fused", reason="accepted", sentence=sentence)
    sentence = (
        f"Parent {'AB'[places[0]]} became a new sample: {bound}, and its rating {_shown(ratings['rewritten'])} is not "
        f"below the parent's {_better(ratings)}."
    )
    return Decision(status="rewritten", reason="accepted", sentence=sentence)


def rewritten(reason: str, loss: float, ratings: Ratings, place: int, config: MixConfig) -> Decision:
    """A fusion failed for `reason`, and a rewrite of the parent at `place` passed."""
    sentence = (
        f"No fusion ({explanation(reason, loss, ratings['fused'], ratings, config)}); the better parent "
        f"{'AB'[place]} was rewritten instead, and is rated {_shown(ratings['rewritten'])} after {_better(ratings)}."
    )
    return Decision(status="rewritten", reason=reason, sentence=sentence)


def rejected(
    reason: str,
    places: Sequence[int],
    loss: float,
    ratings: Ratings,
    config: MixConfig,
    rewrite: tuple[str, float] | None = None,
) -> Decision:
    """A draft failed for `reason`; `rewrite` is the reason and the loss of a rewrite that failed too."""
    attempt, rating = ("fusion", ratings["fused"]) if len(places) > 1 else ("new sample", ratings["rewritten"])
    sentence = f"No {attempt}: {explanation(reason, loss, rating, ratings, config)}"
    if rewrite is not None:
        also = explanation(rewrite[0], rewrite[1], ratings["rewritten"], ratings, config)
        sentence += f"; nor did a rewrite of the better parent pass: {also}"
    return Decision(status="rejected", reason=reason, sentence=sentence + ".")


def explanation(reason: str, loss: float, rating: float | None, ratings: Ratings, config: MixConfig) -> str:
    """A rejection's reason with its figures, as half a sentence."""
    return {
        "reply_truncated": "the model did not come to an end within its token limit",
        "loss_too_high": f"its loss {loss:.2f} is above {config.accept_loss:.2f}",
        "unrated": f"the rater `{config.rater}` gave no rating to compare",
        "below_better_parent": f"it is rated {_shown(rating)}, below the better parent's {_better(ratings)}",
    }[reason]


def _better(ratings: Ratings) -> str:
    known = [value for value in (ratings["parent_a"], ratings["parent_b"]) if value is not None]
    return _shown(max(known, default=None))


def _shown(value: float | None) -> str:
    return "no rating" if value is None else f"{value:.2f}"

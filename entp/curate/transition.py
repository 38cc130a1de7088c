"""Score transition matrix by high-order consensus (HOC): how a rater errs, learnt without any true score.

Source: DS2, section 3.2, after Zhu et al. 2021. What a sample and its two nearest neighbours were rated gives three
looks at one neighbourhood; how often each triple of scores occurs depends on the rater's matrix T and the prior p of
the true scores, and T and p are fitted so that the analytic consensus equals the counted one. Our choices, where DS2
samples 50,000 triples fifty times and minimises a squared difference by 1,501 steps of Adam:

- Every sample is counted, once: there is no sampling noise, and the result is deterministic.
- Neighbours need not share the true score (`entp.curate.fit`): how often they do is estimated along with T.
- The mismatch is the Kullback-Leibler divergence (maximum likelihood), which is far less flat than squares.
- A weak belief holds T near the diagonal and p near the observed shares (see `PSEUDO_COUNTS`).
- Intervals come from a bootstrap over patches of the neighbour graph.

What no count of triples can show: where a sample and its neighbours all depart from a common theme alike, each on its
own, T counts the departures as the rater's errors, and errs on the side of a worse rater.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from entp.curate.consensus import block_counts, consensus, neighbourhood_blocks, symmetric, triple_cells
from entp.curate.fit import ROUGH, START_ODD, Belief, Fit, believed, fit_consensus

#: Weight of the belief "the rater is mostly right", in observations per true score. It helps in thousands of samples
#: and vanishes in tens of thousands. Where the data cannot identify T it weighs as much as the whole pool, so that few
#: scores are doubted on no evidence.
PSEUDO_COUNTS = 50.0
#: Weight of the observed shares as prior, in samples, where the data leave the prior open.
PINNED = 5000.0
#: A score is called collapsed when the fit gives it less than this share of what the rater gives it, ...
COLLAPSED = 0.25
#: ... and the prior is doubted when the collapsed scores are this share of all ratings.
MAX_COLLAPSED = 0.1
#: Twice the log-likelihood that the observed shares as prior may cost and still be as good: the 99 % point of
#: chi-squared with 5 degrees of freedom (15), times 3 because a sample is in about three triples.
SAME_LIKELIHOOD = 45.0
#: Twice the log-likelihood that a share of odd samples must gain to be believed (chi-squared's 99.9 % point, times 3).
ODD_GAIN = 33.0
#: Fewer samples than this per cell of T leave it to the belief.
SAMPLES_PER_CELL = 20
#: Neighbours must agree more often than by chance by this many standard errors.
MIN_STANDARD_ERRORS = 3.0
#: Mean width of a row's intervals from which on the row is called undetermined.
WIDE_INTERVAL = 0.2
#: Misfit from which on the neighbourhood model is doubted. 1 is noise alone; up to 3, for a sample is in ~3 triples.
HIGH_MISFIT = 5.0
LOW_SHARING = 0.5
ROUNDS = 100
#: Patches that the bootstrap draws from.
BLOCKS = 300
COVERAGE = 0.95
#: Triples inside one source that its own matrix takes. Planted sources that differ from the pool by 0.021 a cell are
#: then met within 0.016 (0.012 with 5,000, 0.008 with 10,000); with fewer, little is gained over the pooled matrix.
MIN_SOURCE_TRIPLES = 2000


@dataclass(frozen=True)
class Intervals:
    """95 % bootstrap intervals of the matrix [s, s] and the prior [s]. On planted matrices 88 to 92 % of the cells lie
    inside: the belief pulls, and patches are not quite independent."""

    matrix_low: np.ndarray
    matrix_high: np.ndarray
    prior_low: np.ndarray
    prior_high: np.ndarray


@dataclass(frozen=True)
class TransitionEstimate:
    """T and p with what is needed to judge them.

    `matrix[t, o]` = P(observed o | true t), rows sum to 1; `prior[t]` = P(true t); `neighbourhood[t, u]` = P(a
    neighbour's true score is u | the sample's is t); `odd` is the share of samples between neighbours that share a true
    score with each other only; `sharing` is how often neighbours share the sample's.
    `agreement` is how often a sample and a neighbour have the same observed score, `chance_agreement` how often two
    unrelated samples would. `residual` is the total variation distance (0..1) between the analytic and the counted
    consensus; `misfit` the same as likelihood-ratio statistic per degree of freedom (1 is noise alone).
    `undetermined` are true scores whose row the data leave open. `warning` says in words why the matrix as a whole is
    not `identifiable`, and is empty where it is; `cautions` are lesser doubts.
    """

    matrix: np.ndarray
    prior: np.ndarray
    neighbourhood: np.ndarray
    odd: float
    intervals: Intervals | None
    sharing: float
    agreement: float
    chance_agreement: float
    residual: float
    misfit: float
    iterations: int
    undetermined: tuple[int, ...]
    warning: str
    cautions: tuple[str, ...]

    @property
    def identifiable(self) -> bool:
        return not self.warning


def estimate_transition_matrix(
    scores: np.ndarray, neighbours: np.ndarray, n_scores: int = 6, rounds: int = ROUNDS
) -> TransitionEstimate:
    """Fit T and p to the consensus of each sample with its two nearest neighbours.

    `scores` [n] are integers in 0..n_scores-1; `neighbours` [n, 2 or more] are row numbers, nearest first (further
    columns are ignored). `rounds` of bootstrap; 0 gives no intervals. Raises ValueError where the shapes do not fit.
    """
    return estimate_jointly(scores[:, None], neighbours, n_scores, rounds)[0]


def estimate_jointly(
    scores: np.ndarray, neighbours: np.ndarray, n_scores: int = 6, rounds: int = ROUNDS
) -> list[TransitionEstimate]:
    """One estimate per rater, with one prior and one neighbourhood for all, from `scores` [n, raters].

    Triples are counted across raters too (one rater's score of a sample beside another's of its neighbour), so that
    their errors on the *same* sample need not be independent. All raters must have scored all rows.
    """
    if len(scores) < 3 or neighbours.shape[0] != len(scores) or neighbours.shape[1] < 2:
        raise ValueError(f"need at least 3 scores and two neighbours of each, got {len(scores)}, {neighbours.shape}")
    if scores.min() < 0 or scores.max() >= n_scores:
        raise ValueError(f"scores must be in 0..{n_scores - 1}, found {scores.min()}..{scores.max()}")
    cells = triple_cells(scores, neighbours, n_scores)
    blocks = neighbourhood_blocks(neighbours, BLOCKS)
    return _estimates(cells, blocks, n_scores, np.repeat(believed(n_scores)[None], scores.shape[1], axis=0), rounds)


def estimate_by_source(
    scores: np.ndarray,
    neighbours: np.ndarray,
    sources: np.ndarray,
    pooled: TransitionEstimate,
    rounds: int = ROUNDS,
) -> dict[str, TransitionEstimate]:
    """T of each source [n] with at least `MIN_SOURCE_TRIPLES` samples whose two neighbours are of the same source.

    Each is held near the pooled matrix as that is near the diagonal. Smaller sources are left out.
    """
    near = sources[neighbours[:, :2]]
    inside = (near == sources[:, None]).all(axis=1)
    cells = triple_cells(scores[:, None], neighbours, len(pooled.prior))
    blocks = neighbourhood_blocks(neighbours, BLOCKS)
    found = {}
    for source in sorted(set(sources.tolist())):
        rows = np.flatnonzero(inside & (sources == source))
        if len(rows) >= MIN_SOURCE_TRIPLES:
            dense = np.unique(blocks[rows], return_inverse=True)[1]
            found[source] = _estimates(cells[rows], dense, len(pooled.prior), pooled.matrix[None], rounds)[0]
    return found


def third_order_consensus(scores: np.ndarray, neighbours: np.ndarray, n_scores: int) -> np.ndarray:
    """Shares [s, s, s] of the score triples (sample, neighbour, neighbour) of all samples. Sums to 1."""
    return consensus(triple_cells(scores[:, None], neighbours, n_scores), n_scores)


def _estimates(
    cells: np.ndarray, blocks: np.ndarray, n_scores: int, matrices: np.ndarray, rounds: int
) -> list[TransitionEstimate]:
    """One estimate per rater from the cells of all triples and the block of each; T is held near `matrices`."""
    from threadpoolctl import threadpool_limits

    raters, samples = len(matrices), len(cells)
    counted = consensus(cells, raters * n_scores)
    met = [_agreement(counted, rater, raters, n_scores) for rater in range(raters)]
    warnings = [_warning(samples, n_scores, *pair) for pair in met]
    weight = (max(PSEUDO_COUNTS, samples) if any(warnings) else PSEUDO_COUNTS) / samples
    with threadpool_limits(limits=1):  # the products are small: threads would only wait for each other
        fit, belief, collapsed = _fit(counted, samples, n_scores, Belief(matrices, weight, weight))
        replicas = _bootstrap(cells, blocks, fit, belief, rounds)
    analytic = fit.analytic()
    misfit = _misfit(counted, analytic, samples, raters, n_scores)
    sharing = float((1 - fit.odd) * (fit.prior @ np.diag(fit.neighbourhood)) + fit.odd * (fit.prior**2).sum())
    estimates = []
    for rater, (agreement, chance) in enumerate(met):
        intervals = _intervals(replicas, rater) if replicas else None
        undetermined = _undetermined(fit.prior * samples, n_scores, intervals)
        estimates.append(
            TransitionEstimate(
                matrix=fit.matrices[rater],
                prior=fit.prior,
                neighbourhood=fit.neighbourhood,
                odd=fit.odd,
                intervals=intervals,
                sharing=sharing,
                agreement=agreement,
                chance_agreement=chance,
                residual=float(np.abs(analytic - counted).sum() / 2 / raters**3),
                misfit=misfit,
                iterations=fit.iterations,
                undetermined=undetermined,
                warning=warnings[rater] or _open_warning(fit.prior, undetermined, intervals),
                cautions=_cautions(collapsed, undetermined, sharing, misfit),
            )
        )
    return estimates


def _fit(counted: np.ndarray, samples: int, n_scores: int, belief: Belief) -> tuple[Fit, Belief, tuple[int, ...]]:
    """The fit, the belief it rests on, and the scores that collapsed in the first try.

    Where neighbours say little, many priors explain the consensus about equally well, and the best of them may leave
    out scores that the rater gives often. Where the observed shares do as well, they are taken as the prior.
    """
    free = _with_odd(counted, samples, belief, fit_consensus(counted, n_scores, belief))
    observed = counted.sum(axis=(1, 2)).reshape(-1, n_scores)
    observed = (observed / observed.sum(axis=1, keepdims=True)).mean(axis=0)
    collapsed = np.flatnonzero(free.prior < COLLAPSED * observed)
    if observed[collapsed].sum() < MAX_COLLAPSED:
        return free, belief, ()
    pinned_belief = Belief(belief.matrices, belief.weight, max(PINNED / samples, belief.prior_weight))
    pinned = _with_odd(counted, samples, pinned_belief, fit_consensus(counted, n_scores, pinned_belief))
    lost = 2 * samples * (_log_likelihood(counted, free.analytic()) - _log_likelihood(counted, pinned.analytic()))
    if lost > SAME_LIKELIHOOD * len(belief.matrices) ** 3:
        return free, belief, tuple(int(score) for score in collapsed)
    return pinned, pinned_belief, tuple(int(score) for score in collapsed)


def _with_odd(counted: np.ndarray, samples: int, belief: Belief, fit: Fit) -> Fit:
    """The fit with a share of odd samples, where that explains clearly more: needlessly free, it costs precision."""
    odd = fit_consensus(counted, len(fit.prior), belief, [replace(fit, odd=START_ODD)])
    gained = 2 * samples * (_log_likelihood(counted, odd.analytic()) - _log_likelihood(counted, fit.analytic()))
    return odd if gained > ODD_GAIN * len(belief.matrices) ** 3 else fit


def _bootstrap(cells: np.ndarray, blocks: np.ndarray, fit: Fit, belief: Belief, rounds: int) -> list[Fit]:
    """The fit to `rounds` redrawn pools of as many blocks, each begun at the estimate."""
    if not rounds:
        return []
    raters, n_scores, _ = belief.matrices.shape
    table = block_counts(cells, blocks, raters * n_scores)
    random = np.random.default_rng(0)
    replicas = []
    for _ in range(rounds):
        drawn = random.multinomial(len(table), np.full(len(table), 1 / len(table))) @ table
        counted = symmetric(drawn, raters * n_scores) * (raters**3 / drawn.sum())
        replicas.append(fit_consensus(counted, n_scores, belief, [fit], ROUGH))
    return replicas


def _intervals(replicas: Sequence[Fit], rater: int) -> Intervals:
    tails = [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2]
    matrix = np.quantile([fit.matrices[rater] for fit in replicas], tails, axis=0)
    prior = np.quantile([fit.prior for fit in replicas], tails, axis=0)
    return Intervals(matrix[0], matrix[1], prior[0], prior[1])


def _agreement(counted: np.ndarray, rater: int, raters: int, n_scores: int) -> tuple[float, float]:
    """How often a sample and a neighbour have the same score by this rater, and how often unrelated ones would."""
    own = slice(rater * n_scores, (rater + 1) * n_scores)
    pairs = counted[own, own].sum(axis=2) / raters
    return float(np.trace(pairs)), float(pairs.sum(axis=1) @ pairs.sum(axis=0))


def _misfit(counted: np.ndarray, analytic: np.ndarray, samples: int, raters: int, n_scores: int) -> float:
    """Likelihood-ratio statistic of the fit against any consensus, per degree of freedom."""
    statistic = 2 * samples * (_log_likelihood(counted, counted) - _log_likelihood(counted, analytic))
    width = raters * n_scores
    free = width * width * (width + 1) / 2 - raters * raters * (raters + 1) / 2
    fitted = (raters + 1) * n_scores * (n_scores - 1) + n_scores
    return statistic / max(free - fitted, 1)


def _log_likelihood(counted: np.ndarray, analytic: np.ndarray) -> float:
    seen = counted > 0
    return float((counted[seen] * np.log(analytic[seen])).sum())


def _undetermined(expected: np.ndarray, n_scores: int, intervals: Intervals | None) -> tuple[int, ...]:
    """True scores that too few samples have, or whose row varies too widely from bootstrap to bootstrap."""
    bad = expected < SAMPLES_PER_CELL * n_scores
    if intervals is not None:
        bad |= (intervals.matrix_high - intervals.matrix_low).mean(axis=1) > WIDE_INTERVAL
    return tuple(int(score) for score in np.flatnonzero(bad))


def _warning(samples: int, n_scores: int, agreement: float, chance: float) -> str:
    needed = SAMPLES_PER_CELL * n_scores**2
    if samples < needed:
        return (
            f"the transition matrix rests on {samples} rated samples, fewer than the {needed} it needs; "
            "it leans on the belief that the rater is mostly right"
        )
    error = np.sqrt(chance * (1 - chance) / samples)
    if agreement - chance < MIN_STANDARD_ERRORS * error:
        return (
            f"neighbours have equal scores in {agreement:.1%} of cases, where chance gives {chance:.1%}: "
            "nearness in meaning says too little about this rater's scores to trust the transition matrix"
        )
    return ""


def _open_warning(prior: np.ndarray, undetermined: Sequence[int], intervals: Intervals | None) -> str:
    if intervals is None or prior[list(undetermined)].sum() <= 0.5:
        return ""
    width = float(prior @ (intervals.matrix_high - intervals.matrix_low).mean(axis=1))
    return (
        f"the data leave most of the transition matrix open (an entry's {COVERAGE:.0%} interval is {width:.2f} wide on "
        "average): nearness in meaning says too little about this rater's scores"
    )


def _cautions(collapsed: Sequence[int], undetermined: Sequence[int], sharing: float, misfit: float) -> tuple[str, ...]:
    found = []
    if collapsed:
        names = ", ".join(map(str, collapsed))
        found.append(
            f"the data alone would give almost no sample a true score of {names}; where the likelihood allows, the "
            "rater's own shares are taken as the prior, and the matrix holds under that assumption"
        )
    if undetermined:
        names = ", ".join(map(str, undetermined))
        found.append(f"the transition matrix's rows of true scores {names} are not determined by the data")
    if sharing < LOW_SHARING:
        found.append(f"only {sharing:.0%} of neighbours share the true score, by estimate")
    if misfit > HIGH_MISFIT:
        found.append(
            f"the neighbourhood model misses the counted consensus (misfit {misfit:.1f}, 1 is noise alone): neighbours "
            "agree with each other in ways that the sample between them does not explain"
        )
    return tuple(found)

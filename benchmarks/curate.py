"""Time and error of the transition matrix on planted pools, beside high-order consensus as DS2 describes it.

    python -m benchmarks.curate --pools 20

Each pool has a random matrix and prior, and 20,000 to 300,000 samples, whose two neighbours share their true score, or
do not in one of four ways. Both sides get the same scores and neighbours. The rate is of the fit, counts included.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import hoc, results
from benchmarks.apart import apart
from entp.curate import estimate_transition_matrix
from entp.curate.transition import third_order_consensus
from entp.progress import console
from tests.curate.planted import (
    N_SCORES,
    break_neighbourhood,
    neighbours_of_equal_score,
    observe,
    odd_hubs,
    plant,
)

SIZES = (20_000, 50_000, 300_000)
BROKEN = 0.2
NEIGHBOURHOODS = ("shared", "redrawn", "one_off", "odd_sample")
PACKAGES = ("entp", "numpy", "scipy", "torch")


def main() -> None:
    arguments = _arguments()
    ours, details = apart(measure_ours, arguments.pools, tuple(arguments.sizes))
    rival, errors = apart(measure_rival, arguments.rival_pools, tuple(arguments.sizes))
    details |= {"pools": arguments.pools, "rival_pools": arguments.rival_pools, "error_rival": errors}
    found = results.result(
        "curate",
        "fits/s",
        results.Side("estimate_transition_matrix", ours),
        results.Side("HOC as DS2 describes it (our reading)", rival),
        PACKAGES,
        details,
    )
    results.write(found, arguments.output)
    console.print(found["details"], f"ratio {found['ratio']:.1f}; {arguments.output}")


def pools(count: int, sizes: tuple[int, ...]) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Name (size and neighbourhood), matrix, observed scores and neighbours of every pool."""
    for size in sizes:
        for seed in range(count):
            matrix, true = plant(size, seed)
            observed, neighbours = observe(true, matrix, seed), neighbours_of_equal_score(true, 2, seed)
            for name in NEIGHBOURHOODS:
                yield f"{size}/{name}", matrix, observed, changed(name, neighbours, true, seed)


def changed(name: str, neighbours: np.ndarray, true: np.ndarray, seed: int) -> np.ndarray:
    """Neighbours that share the true score, of which a fifth is broken as `name` says."""
    if name == "odd_sample":
        return odd_hubs(neighbours, BROKEN, seed)
    share = 0.0 if name == "shared" else BROKEN
    return break_neighbourhood(neighbours, true, share, seed, by_one=name == "one_off")


def measure_ours(count: int, sizes: tuple[int, ...]) -> tuple[list[float], dict[str, Any]]:
    """Fits a second; seconds of each part; mean absolute error of T."""
    rates: list[float] = []
    counting, fitting, errors = defaultdict(list), defaultdict(list), defaultdict(list)
    bootstrapping = {}
    estimate_transition_matrix(np.zeros(3, int), np.zeros((3, 2), int))  # what is imported on first use, is imported
    for name, matrix, observed, neighbours in pools(count, sizes):
        began = time.perf_counter()
        third_order_consensus(observed, neighbours, N_SCORES)
        counted = time.perf_counter()
        estimate = estimate_transition_matrix(observed, neighbours, N_SCORES, rounds=0)
        fitted = time.perf_counter()
        rates.append(1 / (fitted - counted))
        counting[name].append(counted - began)
        fitting[name].append(fitted - counted)
        errors[name].append(float(np.abs(estimate.matrix - matrix).mean()))
        if len(fitting[name]) == 1:
            estimate_transition_matrix(observed, neighbours, N_SCORES)
            bootstrapping[name] = time.perf_counter() - fitted
    details = {
        "counting_seconds_most": max(max(seconds) for seconds in counting.values()),
        "fit_seconds": {name: _median_and_most(seconds) for name, seconds in fitting.items()},
        "fit_and_100_bootstraps_seconds": bootstrapping,
        "error_ours": {name: _mean_and_most(found) for name, found in errors.items()},
    }
    return rates, details


def measure_rival(count: int, sizes: tuple[int, ...]) -> tuple[list[float], dict[str, Any]]:
    rates: list[float] = []
    errors = defaultdict(list)
    for name, matrix, observed, neighbours in pools(count, sizes):
        began = time.perf_counter()
        found = hoc.fit(observed, neighbours, N_SCORES)
        rates.append(1 / (time.perf_counter() - began))
        errors[name].append(float(np.abs(found - matrix).mean()))
    return rates, {name: _mean_and_most(found) for name, found in errors.items()}


def _median_and_most(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "most": max(values)}


def _mean_and_most(values: list[float]) -> dict[str, str]:
    """Errors, as text: they are smaller than what results are rounded to."""
    return {"mean": f"{statistics.mean(values):.4f}", "most": f"{max(values):.4f}"}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pools", type=int, default=20, help="pools of each size and neighbourhood")
    parser.add_argument("--rival-pools", type=int, default=2, help="the same for the rival, which takes longer")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="samples in a pool")
    parser.add_argument("--output", type=Path, default=results.FOLDER / "curate.json", help="file for the result")
    return parser.parse_args()


if __name__ == "__main__":
    main()

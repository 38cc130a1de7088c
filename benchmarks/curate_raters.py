"""Curation of real ratings: 52,002 Alpaca rows, each scored by three models (ENTP_TEST_DATA). No speed, but worth.

    ENTP_TEST_DATA=... python -m benchmarks.curate_raters --vectors vectors.npy

Each rater is curated alone. Told are its matrix, what the estimate says of itself, how far raters agree (quadratic
kappa, and the share of rows that all three score alike) before and after, and the same with strangers in place of
neighbours: what is gained there is mere smoothing. Embedding takes half an hour of a core; --vectors keeps the result.

Then the planted check on real geometry: themes found among the same vectors (k-means) get true scores, either at
random or so that near themes have near scores, and a planted rater scores them. There, neighbours break the model's
assumptions in their own way.
"""

from __future__ import annotations

import argparse
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks import results
from benchmarks.machine import machine, versions
from entp.config import EmbedConfig
from entp.curate import (
    CuratedScores,
    TransitionEstimate,
    curate_by_vote,
    curate_scores,
    estimate_jointly,
    estimate_transition_matrix,
)
from entp.curate.validation import quadratic_kappa, strangers
from entp.embed import embed
from entp.neighbours import nearest
from entp.progress import console, progress
from tests.curate.planted import N_SCORES, observe, plant

RATERS = ("ds2_llama31_8b", "ds2_mistral_7b_v03", "ds2_gpt4o_mini")
TOKENS = 128
NEIGHBOURS = 10
THEMES = (300, 1000)
PLANTED = 4
RULES: dict[str, Callable[..., CuratedScores]] = {"bayes": curate_scores, "ds2": curate_by_vote}
PACKAGES = ("entp", "numpy", "scipy", "faiss-cpu", "sentence-transformers", "torch")


def main() -> None:
    arguments = _arguments()
    data = Path(os.environ["ENTP_TEST_DATA"])
    vectors = _vectors(data, arguments.vectors)
    ratings = pl.read_parquet(data / "ratings" / "alpaca_52k_ratings.parquet").sort("alpaca_idx")
    scores = ratings.select(RATERS).to_numpy().astype(np.int64)
    with progress("neighbours", len(vectors)) as advance:
        neighbours, distances = nearest(vectors, NEIGHBOURS, advance)
    estimates = [estimate_transition_matrix(column, neighbours) for column in scores.T]
    together = estimate_jointly(scores, neighbours, rounds=0)
    found = {
        "rows": len(scores),
        "embedding": f"all-MiniLM-L6-v2, instruction, input and output, first {TOKENS} tokens",
        "raters": {name: _told(one) for name, one in zip(RATERS, estimates, strict=True)},
        "jointly": {name: _told(one) for name, one in zip(RATERS, together, strict=True)},
        "agreement": agreement(scores, neighbours, distances, estimates),
        "planted_on_real_vectors": planted(vectors, neighbours, distances),
        "machine": machine(),
        "versions": versions(PACKAGES),
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    results.write(found, arguments.output)
    console.print(found["agreement"], found["planted_on_real_vectors"], arguments.output)


def agreement(
    scores: np.ndarray, neighbours: np.ndarray, distances: np.ndarray, estimates: list[TransitionEstimate]
) -> dict[str, dict[str, float]]:
    """Kappa of each pair of raters and the share of rows that all score alike: raw, and by each rule with neighbours
    and with strangers."""
    told = {"raw": _agreement(scores)}
    for name, rule in RULES.items():
        for graph, (near, far) in (
            ("", (neighbours, distances)),
            ("_with_strangers", strangers(neighbours, distances)),
        ):
            curated = [
                rule(column, near, far, one.matrix, one.prior).curated
                for column, one in zip(scores.T, estimates, strict=True)
            ]
            told[name + graph] = _agreement(np.column_stack(curated))
    return told


def planted(vectors: np.ndarray, neighbours: np.ndarray, distances: np.ndarray) -> dict[str, dict[str, float]]:
    """Means over planted raters on themes of the real vectors."""
    import faiss

    told = {}
    for themes, ordinal in itertools.product(THEMES, (False, True)):
        means = faiss.Kmeans(vectors.shape[1], themes, niter=8, seed=1)
        means.train(vectors)
        centres = np.asarray(means.centroids)
        of_sample = means.index.search(vectors, 1)[1][:, 0]
        found = []
        for seed in range(PLANTED):
            matrix, of_theme = plant(themes, seed)
            if ordinal:
                along = centres @ np.random.default_rng(seed).normal(size=vectors.shape[1])
                of_theme = np.sort(of_theme)[np.argsort(np.argsort(along))]
            true = of_theme[of_sample]
            observed = observe(true, matrix, seed)
            one = estimate_transition_matrix(observed, neighbours, rounds=0)
            curated = {
                name: rule(observed, neighbours, distances, one.matrix, one.prior) for name, rule in RULES.items()
            }
            found.append(
                {
                    "error": np.abs(one.matrix - matrix).mean(),
                    "sharing": (true[neighbours[:, :2]] == true[:, None]).mean(),
                    "sharing_estimated": one.sharing,
                    "misfit": one.misfit,
                    "right_raw": (observed == true).mean(),
                    **{f"right_{name}": (one.curated == true).mean() for name, one in curated.items()},
                    "bayes_confidence": curated["bayes"].confidence.mean(),
                }
            )
        name = f"{themes} themes, {'near ones with near scores' if ordinal else 'scores at random'}"
        told[name] = {key: float(np.mean([one[key] for one in found])) for key in found[0]}
    return told


def _agreement(scores: np.ndarray) -> dict[str, float]:
    kappas = {
        f"{RATERS[first]}, {RATERS[second]}": quadratic_kappa(scores[:, first], scores[:, second], N_SCORES)
        for first, second in itertools.combinations(range(len(RATERS)), 2)
    }
    return {**kappas, "all_three_alike": float((scores == scores[:, :1]).all(axis=1).mean())}


def _told(one: TransitionEstimate) -> dict[str, Any]:
    width = None if one.intervals is None else one.intervals.matrix_high - one.intervals.matrix_low
    return {
        "matrix": one.matrix.tolist(),
        "interval_width": None if width is None else width.tolist(),
        "prior": one.prior.tolist(),
        "agreement": one.agreement,
        "chance_agreement": one.chance_agreement,
        "sharing": one.sharing,
        "odd": one.odd,
        "misfit": one.misfit,
        "warning": one.warning,
        "cautions": list(one.cautions),
    }


def _vectors(data: Path, kept: Path) -> np.ndarray:
    if kept.exists():
        return np.load(kept)
    rows = pl.read_parquet(data / "pools" / "alpaca_original_52k.parquet").sort("alpaca_idx")
    texts = ["\n".join(filter(None, row)) for row in rows.select("instruction", "input", "output").iter_rows()]
    with progress("embed", len(texts)) as advance:
        vectors = embed(texts, EmbedConfig(max_tokens=TOKENS), advance)
    np.save(kept, vectors)
    return vectors


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--vectors", type=Path, default=Path("alpaca_vectors.npy"), help="file that keeps the vectors")
    parser.add_argument("--output", type=Path, default=results.FOLDER / "quality" / "curate_raters.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()

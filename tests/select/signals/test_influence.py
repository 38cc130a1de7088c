"""LESS with a tiny model: against a direct computation, killed, with other targets, in another order of rows."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from entp.errors import DataError, UsageError
from entp.select.signals import Pool, influence
from entp.select.signals.gradients import adam_of, gradients, width
from entp.select.signals.projection import drawn
from entp.select.signals.training import adapted, by_chance, encoded
from entp.train.descent import descend, loss_of
from entp.train.examples import Example
from tests.select.signals.pools import pool_of, samples_of
from tests.select.signals.test_projection import matrix

SUMS = [(f"Add {n} and {n + 2}.", f"{2 * n + 2}") for n in range(25)]
SHOUTS = [(f"Shout {'AB' * (n % 4 + 1)}!", "HURRAH! " * (n % 5 + 1) + str(n)) for n in range(25)]


def settings(tiny: Path) -> tuple[str, ...]:
    return (f"train.model={tiny}", "train.max_length=128", "train.learning_rate=0.01", "train.lora_rank=4")


def target() -> pl.DataFrame:
    """Two groups, of two items and one."""
    sums = samples_of(("Add 31 and 7.", "38"), ("Add 4 and 44.", "48"), source="sums")
    return pl.concat([sums, samples_of(("Name a fish.", "The cod"), source="talk")])


def pool_at(folder: Path, tiny: Path, wanted: pl.DataFrame | None = None) -> Pool:
    return pool_of(samples_of(*SUMS, *SHOUTS), folder, target() if wanted is None else wanted, settings(tiny))


def values(pool: Pool) -> dict[str, float]:
    return dict(influence.compute(pool).frame.select("id", "influence").iter_rows())


@pytest.fixture(scope="module")
def pool(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    return pool_at(tmp_path_factory.mktemp("pool"), tiny)


@pytest.fixture(scope="module")
def found(pool: Pool) -> dict[str, float]:
    return values(pool)


@pytest.fixture(scope="module")
def warmed(pool: Pool) -> tuple[Any, Any]:
    """Model and optimizer after the warm-up."""
    model, optimizer = adapted(pool), None
    rows = influence.warm_up(by_chance(encoded(pool, pool.samples), pool))
    for epoch in range(1, influence.WARM_UP_EPOCHS + 1):
        optimizer = descend(model, rows, pool.config.train, 1, pool.config.seed + epoch, optimizer)
    model.eval()
    return model, optimizer


def trainable(model: Any) -> list[Any]:
    return [part for part in model.parameters() if part.requires_grad]


def flat(parts: list[Any]) -> np.ndarray:
    import torch

    return np.asarray(torch.cat([part.detach().flatten() for part in parts]).numpy().copy())


def gradient(model: Any, example: Example) -> np.ndarray:
    model.zero_grad()
    loss_of(model, example).backward()
    return flat([part.grad for part in trainable(model)])


def step(model: Any, optimizer: Any, example: Example) -> np.ndarray:
    """What torch's own Adam does next with this example; all is put back afterwards."""
    import torch

    state, before = copy.deepcopy(optimizer.state_dict()), [part.detach().clone() for part in trainable(model)]
    gradient(model, example)
    optimizer.step()
    moved = flat([old - new for old, new in zip(before, trainable(model), strict=True)])
    with torch.no_grad():
        for part, old in zip(trainable(model), before, strict=True):
            part.copy_(old)
    optimizer.load_state_dict(state)
    return moved


@pytest.fixture(scope="module")
def direct(pool: Pool, warmed: tuple[Any, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Steps [50, p] and the mean gradient [2, p] of each group."""
    model, optimizer = warmed
    steps = np.stack([step(model, optimizer, example) for example in encoded(pool, pool.samples).examples])
    items = np.stack([gradient(model, example) for example in encoded(pool, pool.target).examples])
    return steps, np.stack([items[:2].mean(axis=0), items[2]])


def cosines(steps: np.ndarray, means: np.ndarray) -> np.ndarray:
    return np.array([max(np.dot(s, m) / np.linalg.norm(s) / np.linalg.norm(m) for m in means) for s in steps])


def test_steps_are_those_that_torch_s_adam_takes(
    pool: Pool, warmed: tuple[Any, Any], direct: tuple[np.ndarray, np.ndarray]
):
    model, optimizer = warmed
    adam = adam_of(model, optimizer)
    own = encoded(pool, pool.samples).examples
    for mine, theirs in zip(gradients(model, own, lambda _=1: None), direct[0], strict=True):
        assert adam.step(mine) * pool.config.train.learning_rate == pytest.approx(theirs, abs=1e-6)
    assert np.abs(direct[0]).max() > 1e-3


def test_influence_is_the_cosine_of_what_a_matrix_of_signs_leaves(
    pool: Pool, found: dict[str, float], warmed: tuple[Any, Any], direct: tuple[np.ndarray, np.ndarray]
):
    signs = matrix(drawn(width(warmed[0]), influence.DIMENSIONS, pool.config.seed)).astype(np.float32)
    expected = cosines(*(rows @ signs.T for rows in direct))
    assert expected.std() > 0.02
    assert [found[name] for name in pool.samples["id"]] == pytest.approx(expected, abs=1e-3)


def test_influence_is_nearly_the_cosine_of_the_whole_gradients(
    pool: Pool, found: dict[str, float], direct: tuple[np.ndarray, np.ndarray]
):
    exact, projected = cosines(*direct), np.array([found[name] for name in pool.samples["id"]])
    assert projected == pytest.approx(exact, abs=0.05)
    assert np.corrcoef(projected, exact)[0, 1] > 0.95


def test_samples_like_the_target_have_more_influence_on_it(pool: Pool, found: dict[str, float]):
    influences = [found[name] for name in pool.samples["id"]]
    sums, shouts = influences[: len(SUMS)], influences[len(SUMS) :]
    assert sum(one > other for one in sums for other in shouts) > 0.8 * len(SUMS) * len(SHOUTS)


def test_the_order_of_the_rows_does_not_matter(pool: Pool, found: dict[str, float], tiny: Path, tmp_path: Path):
    shuffled = pool.samples.sample(fraction=1, shuffle=True, seed=3)
    assert shuffled["id"].to_list() != pool.samples["id"].to_list()
    assert values(pool_of(shuffled, tmp_path, target(), settings(tiny))) == pytest.approx(found, abs=1e-5)


def test_another_target_costs_its_own_gradients_only(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    taken: list[int] = []

    def counted(model: Any, examples: Any, advance: Any) -> Iterator[np.ndarray]:
        taken.append(len(examples))
        return gradients(model, examples, advance)

    monkeypatch.setattr(influence, "gradients", counted)
    other = samples_of(("Shout A!", "HURRAH!"), source="shouts")
    values(pool_at(tmp_path / "one", tiny))
    after = values(pool_at(tmp_path / "one", tiny, other))
    assert taken == [3, 50, 1]
    assert after == values(pool_at(tmp_path / "fresh", tiny, other))


def test_a_killed_run_goes_on_and_ends_as_if_never_killed(
    found: dict[str, float], tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(influence, "BLOCK", 16)
    done: list[Example] = []
    killed_at = [40]

    def mortal(model: Any, examples: Any, advance: Any) -> Iterator[np.ndarray]:
        for example, row in zip(examples, gradients(model, examples, advance), strict=True):
            done.append(example)
            if len(done) in killed_at:
                raise KeyboardInterrupt
            yield row

    monkeypatch.setattr(influence, "gradients", mortal)
    with pytest.raises(KeyboardInterrupt):
        values(pool_at(tmp_path, tiny))
    done.clear()
    killed_at.clear()
    assert values(pool_at(tmp_path, tiny)) == pytest.approx(found, abs=1e-5)
    assert len(done) == 3 + 50 - 2 * 16


def test_checkpoints_are_averaged(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    one_group = samples_of(("Add 31 and 7.", "38"), source="sums")
    found = []
    for checkpoints in ((1,), (4,), (1, 4)):
        monkeypatch.setattr(influence, "CHECKPOINTS", checkpoints)
        found.append(np.array(list(values(pool_at(tmp_path, tiny, one_group)).values())))
    first, last, both = found
    assert np.abs(first - last).max() > 0.01
    assert both == pytest.approx((first + last) / 2, abs=1e-5)


def test_a_sample_without_an_answer_has_no_influence(tiny: Path, tmp_path: Path):
    samples = pl.concat([samples_of(*SUMS[:2]), samples_of(("Why? " * 60, "Because."))])
    frame = influence.compute(pool_of(samples, tmp_path, target(), settings(tiny))).frame
    assert frame["id"].to_list() == samples["id"].to_list()
    assert frame["influence"].is_null().to_list() == [False, False, True]


def test_a_target_without_answers_is_named_with_the_remedy(tiny: Path, tmp_path: Path):
    useless = samples_of(("Why? " * 60, "Because."), source="riddles")
    with pytest.raises(DataError, match=r"none of 1 samples \(riddles\) has an answer within train.max_length=128"):
        influence.compute(pool_at(tmp_path, tiny, useless))
    with pytest.raises(UsageError, match="--target"):
        influence.compute(pool_of(samples_of(*SUMS), tmp_path, None, settings(tiny)))

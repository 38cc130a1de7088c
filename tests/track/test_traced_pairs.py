"""Which pairs are shown as traces, and what is refused."""

from __future__ import annotations

import pytest

from entp import store
from entp.errors import DataError
from entp.track import traced_pairs
from entp.track.spans import SPANS_FILE, PairSpans
from tests.track.two_pairs import failed, fused, leave, write


def pairs(**statuses: int) -> list[PairSpans]:
    """So many pairs of each status, with ids that rise within it."""
    return [
        PairSpans.model_validate(fused() | {"pair_id": f"{status}{number}", "status": status})
        for status, count in statuses.items()
        for number in range(count)
    ]


def ids(chosen: list[PairSpans]) -> list[str]:
    return [pair.pair_id for pair in chosen]


def test_the_statuses_take_turns_so_that_the_few_are_seen_beside_the_many():
    many = pairs(rejected=30, fused=20, failed=1)
    assert ids(traced_pairs.choose(many, 6)) == ["fused0", "rejected0", "failed0", "fused1", "rejected1", "fused10"]


def test_the_order_of_work_does_not_count():
    many = pairs(rejected=30, fused=20, failed=1)
    assert traced_pairs.choose(reversed(many), 7) == traced_pairs.choose(many, 7)


def test_a_small_run_is_shown_whole():
    assert len(traced_pairs.choose(pairs(rejected=3, rewritten=2), 50)) == 5


def test_a_line_that_is_cut_off_is_named_with_the_remedy(tmp_path):
    mix = leave(tmp_path, fused(), failed())
    path = write(tmp_path, fused(), failed())
    path.write_text(path.read_text()[:-100])
    with pytest.raises(DataError, match=r"mix_spans.jsonl: line 2: .*; run the stage mix again"):
        traced_pairs.sample(mix, 50)


def test_a_missing_fact_is_named(tmp_path):
    mix = leave(tmp_path, fused())
    broken = fused()
    del broken["spans"][2]["tokens_in"]
    write(tmp_path, broken)
    with pytest.raises(DataError, match=r"line 1: spans.2.tokens_in: Field required"):
        traced_pairs.sample(mix, 50)


@pytest.mark.parametrize("change", [{"status": "rewritten"}, {"messages": None}, {"pair_id": "feed09"}])
def test_what_another_run_left_in_a_shared_cache_is_refused(tmp_path, change):
    mix = leave(tmp_path, fused())
    write(tmp_path, fused() | change)
    with pytest.raises(DataError, match="another run wrote the file"):
        traced_pairs.sample(mix, 50)


def test_a_sample_kept_with_the_dataset_outlives_the_cache_and_leaves_its_digest(tmp_path):
    mix = leave(tmp_path, fused(), failed())
    before = store.content_digest(mix)
    sampled = traced_pairs.sample(mix, 50)
    traced_pairs.keep_inside(mix, 50)
    (tmp_path / "cache" / SPANS_FILE).unlink()
    assert traced_pairs.sample(mix, 50) == sampled
    assert store.content_digest(mix) == before

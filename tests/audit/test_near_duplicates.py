from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from entp.audit.features import Features
from entp.audit.near_duplicates import find_near_duplicates
from entp.audit.sample import NewSample
from entp.purge.duplicates.similarity import similarity
from tests.audit.samples import conversation, sample

TEXT = "the sand glows red while the waves come in and the gulls fly home over the quiet old harbour wall"


def test_the_first_by_id_stays_and_names_the_copy():
    found = find_near_duplicates([sample(TEXT, TEXT, pair_id="b"), sample(TEXT, TEXT + " now", pair_id="a")], 0.8)
    assert list(found) == ["b"]
    assert found["b"][0] == "a"
    assert 0.8 <= found["b"][1] < 1


def test_there_are_no_chains_of_ever_less_similar_samples():
    told = TEXT.split()
    texts = {"a": told, "b": [*told[2:], "x", "y"], "c": [*told[4:], "x", "y", "z", "w"]}
    rows = [sample(" ".join(text), " ".join(text), pair_id=name) for name, text in texts.items()]
    assert find_near_duplicates(rows, 0.7) == {"b": ("a", find_near_duplicates(rows[:2], 0.7)["b"][1])}


words = st.lists(st.sampled_from("ab"), min_size=1, max_size=9).map(" ".join)
pools = st.lists(st.tuples(words, words), min_size=1, max_size=8)


@settings(max_examples=200)
@given(pools, st.sampled_from([0.3, 0.5, 0.8, 1.0]), st.randoms(use_true_random=False))
def test_it_is_what_comparing_all_with_all_finds_in_any_order(texts, threshold, random):
    rows = [NewSample(f"p{place}", conversation(*text), []) for place, text in enumerate(texts)]
    expected: dict[str, float] = {}
    kept: list[NewSample] = []
    for row in rows:
        shingles = Features(row.messages).shingles
        best = max((similarity(shingles, Features(other.messages).shingles) for other in kept), default=0.0)
        if kept and best >= threshold:
            expected[row.pair_id] = best
        else:
            kept.append(row)
    random.shuffle(rows)
    found = find_near_duplicates(rows, threshold)
    assert {pair_id: best for pair_id, (_, best) in found.items()} == expected

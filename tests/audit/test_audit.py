from __future__ import annotations

import json
import random
from dataclasses import replace

import numpy as np
import pytest

from entp.audit.audit import audit
from entp.audit.checks import CHECKS
from entp.audit.measures import Vectors
from entp.audit.sample import Opinion
from entp.audit.verdict import enforce, notes, turned_down
from entp.contamination.index import load_index
from entp.errors import DataError, UsageError
from entp.records import AUDIT_FINDINGS, AUDIT_MEASURES
from entp.text.words import words
from tests.audit.samples import CONFIG, FRUITS, INDEX, ITEM, conversation, varied

MANY = [varied(number) for number in range(30)]


def spoilt(samples, count):
    """The samples, of which the first `count` have a personal datum."""
    answer = conversation(FRUITS[0] + " 2", "Dial (650) 253-0000.")
    return [
        replace(one, messages=[*one.messages[:1], answer[1]]) if place < count else one
        for place, one in enumerate(samples)
    ]


def opinions(gain: float) -> dict[str, Opinion]:
    """Parents near 2.0 and 3.0; new samples by `gain` above their mean."""
    return {
        one.pair_id: Opinion(2.5 + gain + place % 3 / 10, (2.0 + place % 2, 3.0 - place % 2))
        for place, one in enumerate(MANY)
    }


def measures_of(samples, **known):
    return {one.measure: one for one in audit(samples, INDEX, CONFIG, **known).measures}


def test_sound_samples_pass():
    result = audit(MANY, INDEX, CONFIG)
    enforce(*result, CONFIG)
    assert [finding for finding in result.findings if not finding.passed] == []
    assert notes(result.findings, CONFIG) == ()


def test_the_rows_are_those_of_the_tables():
    result = audit(MANY[:2], INDEX, CONFIG)
    assert [finding.check for finding in result.findings] == [*CHECKS, *CHECKS]
    assert result.findings[0]._fields == tuple(AUDIT_FINDINGS)
    assert result.measures[0]._fields == tuple(AUDIT_MEASURES)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_samples_changes_nothing(seed):
    samples = [*spoilt(MANY, 3), replace(MANY[5], pair_id="z")]
    shuffled = random.Random(seed).sample(samples, len(samples))
    known = {"ratings": opinions(0.1), "toxicity": opinions(0.0)}
    assert audit(shuffled, INDEX, CONFIG, **known) == audit(samples, INDEX, CONFIG, **known)


def test_a_sample_is_turned_down_for_the_first_check_it_fails():
    [finding] = turned_down(audit(spoilt(MANY, 1), INDEX, CONFIG).findings).values()
    assert (finding.pair_id, finding.check) == ("p000", "pii")


def test_a_few_failing_samples_are_noted_and_fail_nothing():
    result = audit(spoilt(MANY, 3), INDEX, CONFIG)
    enforce(*result, CONFIG)
    [note] = notes(result.findings, CONFIG)
    assert note.startswith("the audit turned down 3 of 30 accepted samples")
    assert "pii: 3 (pairs p000, p001, p002); remove personal data from the pool" in note


def test_many_failing_samples_fail_the_stage_with_checks_counts_pairs_and_remedy():
    result = audit(spoilt(MANY, 7), INDEX, CONFIG)
    with pytest.raises(DataError) as error:
        enforce(*result, CONFIG)
    message = str(error.value)
    assert "7 of 30 accepted samples fail a check, more than audit.max_failing_share=0.2" in message
    assert "pii: 7 (pairs p000, p001, p002, p003, p004 and 2 more); remove personal data" in message
    assert "253-0000" not in message


def test_fewer_samples_than_the_least_number_fail_nothing():
    result = audit(spoilt(MANY[:10], 10), INDEX, CONFIG)
    enforce(*result, CONFIG)
    assert any(
        "10 audited samples are fewer than audit.min_samples=20" in note for note in notes(result.findings, CONFIG)
    )


def test_a_method_that_repeats_itself_fails_the_stage():
    same = [replace(one, messages=MANY[place % 3].messages) for place, one in enumerate(MANY)]
    result = audit(same, INDEX, CONFIG)
    with pytest.raises(DataError, match=r"(?s)near_duplicate: 27.*distinct_2 is .*min_distinct_ratio"):
        enforce(*result, CONFIG)


def test_distinct_word_pairs_are_compared_with_the_parents():
    measure = measures_of(MANY)["distinct_2"]
    assert 0 < measure.reference <= 1
    assert measure.passed
    assert measure.demand == "at least 0.7 of the parents'"


def test_embeddings_that_lie_closer_together_than_the_parents_fail():
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(60, 8))
    near = rng.normal(size=(30, 8)) * 0.2 + 1
    unit = [vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (near, wide)]
    assert not measures_of(MANY, vectors=Vectors(*unit))["embedding_spread"].passed
    assert measures_of(MANY, vectors=Vectors(unit[1][:30], unit[1]))["embedding_spread"].passed


def test_shares_of_toxic_and_personal_samples_are_counted_on_both_sides():
    measures = measures_of(spoilt(MANY, 3))
    assert (measures["pii_ratio"].value, measures["pii_ratio"].reference) == (0.1, 0.0)
    assert (measures["toxic_ratio"].value, measures["toxic_ratio"].reference) == (0.0, 0.0)


def test_lengths_are_means_in_words():
    one = MANY[0]
    told = [len(words(turn["content"])) for turn in one.messages]
    assert measures_of([one])["words_mean"].value == sum(told)


@pytest.mark.parametrize(("gain", "passed"), [(0.3, True), (0.0, True), (-0.6, False)])
def test_the_second_raters_mean_may_not_fall_below_the_parents_beyond_the_noise(gain, passed):
    assert measures_of(MANY, ratings=opinions(gain))["re_rating_mean"].passed is passed


@pytest.mark.parametrize(("gain", "passed"), [(0.6, False), (-0.1, True)])
def test_a_judges_mean_toxicity_may_not_rise_above_the_parents_beyond_the_noise(gain, passed):
    assert measures_of(MANY, toxicity=opinions(gain))["judged_toxicity_mean"].passed is passed


def test_a_sample_far_below_its_worse_parent_fails_the_re_rating():
    ratings = opinions(0.0) | {"p000": Opinion(1.0, (2.0, 3.0)), "p001": Opinion(1.8, (2.0, 3.0))}
    findings = {one.pair_id: one for one in audit(MANY, INDEX, CONFIG, ratings).findings if one.check == "re_rating"}
    assert (findings["p000"].value, findings["p000"].passed) == (-1.0, False)
    assert findings["p000"].detail == "a second rater puts it 1.00 below its worse parent"
    assert findings["p001"].passed


def test_a_missing_rating_holds_nothing_against_a_sample():
    ratings = {"p000": Opinion(None, (2.0, 3.0)), "p001": Opinion(0.0, (2.0, None))}
    findings = [one for one in audit(MANY, INDEX, CONFIG, ratings).findings if one.check == "re_rating"]
    assert all(finding.passed and finding.value is None for finding in findings)


def test_no_sample_is_no_finding():
    assert audit([], INDEX, CONFIG) == ([], [])
    enforce([], [], CONFIG)


def test_two_samples_of_one_pair_are_a_mistake():
    with pytest.raises(ValueError, match="pair p000 has two"):
        audit([MANY[0], MANY[0]], INDEX, CONFIG)


def test_configured_benchmarks_join_the_built_in_ones(tmp_path):
    (tmp_path / "moon.jsonl").write_text(json.dumps({"question": ITEM}))
    index = load_index([str(tmp_path / "moon.jsonl")], 8, "audit.benchmarks")
    assert index.find_runs(words(ITEM)).benchmark == "moon.jsonl"
    assert index.find_whole(words("How many legs does a spider have?")).benchmark == "entp_knowledge.jsonl"


def test_a_benchmark_that_is_not_there_names_the_setting():
    with pytest.raises(UsageError, match=r"audit\.benchmarks: .*absent\.jsonl: no such file"):
        load_index(["absent.jsonl"], 8, "audit.benchmarks")

from __future__ import annotations

from collections import Counter

import polars as pl

from entp.rate.effects import length_correlation, source_share
from entp.rate.rating import RawRating
from entp.rate.scores import digit_scores, quantile_scores, score_ratings
from entp.records import RATINGS, SAMPLES
from tests.rate.conversations import conversation


def ranked(values: list[float | None], languages: list[str] | None = None) -> pl.DataFrame:
    return quantile_scores(pl.Series(values, dtype=pl.Float64), pl.Series(languages or ["en"] * len(values)))


def pool(texts: list[tuple[str, str]]) -> pl.DataFrame:
    """Samples by response and source."""
    rows = [
        (f"id{place}", source, conversation("Why?", text), None, "en", "{}")
        for place, (text, source) in enumerate(texts)
    ]
    return pl.DataFrame(rows, schema=SAMPLES, orient="row")


def scored(rater: str, ratings: list[RawRating]) -> pl.DataFrame:
    return score_ratings(rater, pool([("Because.", "forum")] * len(ratings)), ratings)


def test_six_equal_classes_come_out_of_a_pool_of_different_values():
    assert Counter(ranked([value * 0.1 for value in range(60)])["score"]) == dict.fromkeys(range(6), 10)


def test_a_better_value_never_has_a_lower_score():
    rows = ranked([-3.0, -1.0, -2.0, -0.5])
    assert rows["score"].to_list() == [0, 3, 2, 5]
    assert rows["expected"].to_list() == [0.625, 3.125, 1.875, 4.375]


def test_equal_values_get_equal_scores():
    assert ranked([1.0] * 10)["score"].n_unique() == 1


def test_a_language_is_ranked_among_its_own_samples():
    hard, easy = [-3.0 - place for place in range(30)], [-0.01 * place for place in range(30)]
    expected = ranked(hard + easy, ["en"] * 30 + ["zh"] * 30)["expected"].to_list()
    assert expected[:30] == expected[30:]


def test_a_language_of_a_few_samples_is_ranked_in_the_whole_pool():
    rows = ranked([float(place) for place in range(60)] + [100.0, 101.0], ["en"] * 60 + ["zh"] * 2)
    assert rows["score"].to_list()[-2:] == [5, 5]


def test_unrated_samples_do_not_take_a_place_in_the_quantiles():
    ratings = [RawRating("rated", -1.0), RawRating("failed"), RawRating("rated", -2.0)]
    assert scored("likelihood", ratings)["score"].to_list() == [4, None, 1]


def test_the_judge_rounds_halves_up():
    assert digit_scores(pl.Series([2.5, 0.49, 5.0]))["score"].to_list() == [3, 0, 5]


def test_an_unrated_sample_has_a_status_and_no_score():
    rows = scored("judge", [RawRating("rated", 3.2, 0.5), RawRating("unparsed")])
    assert rows.schema == RATINGS
    assert rows.rows()[1] == ("id1", "judge", "unparsed", None, None, None)


def test_length_regressed_out_of_a_rater_that_only_orders():
    ratings = [RawRating("rated", place + 10.0 * (place % 2)) for place in range(60)]
    samples = pool([("word " * (place + 1), "forum") for place in range(60)])
    plain = score_ratings("likelihood", samples, ratings)
    cleaned = score_ratings("likelihood", samples, ratings, ["length"])
    lengths = samples["messages"].list.last().struct.field("content").str.len_chars()
    assert length_correlation(plain["expected"], lengths) > 0.9
    assert abs(length_correlation(cleaned["expected"], lengths)) < 0.2


def test_sources_regressed_out_of_a_judge_whose_scores_stay_on_the_scale():
    sources = ["strict", "lenient"] * 30
    ratings = [RawRating("rated", 0.5 + (place % 3) + 2.4 * (place % 2)) for place in range(60)]
    cleaned = score_ratings("judge", pool([("word", source) for source in sources]), ratings, ["source"])
    assert source_share(cleaned["expected"], pl.Series(sources)) == 0
    assert cleaned["expected"].is_between(0, 5).all()
    assert cleaned["expected"].n_unique() == 3

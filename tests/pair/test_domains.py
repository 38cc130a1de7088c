from __future__ import annotations

import numpy as np

from entp.pair.cluster import Clustering
from entp.pair.domains import domains_table, keywords, shares
from tests.pair.pools import fan, pool

GARDEN = ["How do I prune roses?", "Name three pests of roses.", "Prune a rose in spring, or in autumn?"]
SPACE = ["How far away is the nearest planet?", "Name three planets.", "Describe a planet and its moons and moons."]


def test_keywords_set_a_domain_apart_in_the_commonest_form_of_each_word():
    found = keywords(GARDEN + SPACE, ["en"] * 6, [0] * 3 + [1] * 3)
    assert found[0] == ["roses", "prune"]
    assert found[1][0] == "planet"


def test_a_word_of_one_prompt_only_is_no_keyword_however_often_it_is_said():
    assert "moons" not in keywords(SPACE, ["en"] * 3, [0] * 3)[0]


def test_chinese_keywords_are_words():
    said = ["请介绍北京的历史", "北京的历史有多长？", "气候变化有什么影响？", "如何应对气候变化？"]
    found = keywords(said, ["zh"] * 4, [0, 0, 1, 1])
    assert set(found[0]) == {"北京", "历史"}
    assert found[1] == ["气候变化"]


def test_a_domain_tells_its_size_its_tasks_its_representatives_and_who_was_left_over():
    clustering = Clustering(np.array([0, 0, 0, 1]), fan(10, 90), 0.5)
    samples = pool(fan(0, 10, 20, 90), texts=[*GARDEN, SPACE[0]])
    tasks = ["question_answering", "brainstorming", "question_answering", "other"]
    first, second = domains_table(samples, clustering, tasks, np.array([1, 0, 3]), {2: "partner_taken"}).to_dicts()
    assert (first["cluster"], first["size"], first["share"]) == (0, 3, 0.75)
    assert (first["paired"], first["left_over"]) == (2, 1)
    assert first["representatives"] == ["1", "0"]
    assert [share["task_type"] for share in first["task_types"]] == ["question_answering", "brainstorming"]
    assert first["cohesion"] < second["cohesion"] == 1.0


def test_shares_are_of_the_domain_and_the_commonest_comes_first():
    assert shares(["coding", "generation", "generation", "coding", "other"]) == [
        {"task_type": "coding", "share": 0.4},
        {"task_type": "generation", "share": 0.4},
        {"task_type": "other", "share": 0.2},
    ]

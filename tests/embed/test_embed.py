from __future__ import annotations

import numpy as np
import pytest

from entp.config import EmbedConfig
from entp.embed import embed
from entp.errors import SetupError

GARDENING = ["How do I prune roses in early spring?", "Which soil do tomato seedlings like best?"]
SQL = "Write a SQL query that joins two tables on customer id."


@pytest.mark.model
def test_two_gardening_texts_are_nearer_to_each_other_than_to_sql():
    roses, tomatoes, sql = embed([*GARDENING, SQL], EmbedConfig())
    assert roses @ tomatoes > max(roses @ sql, tomatoes @ sql) + 0.1


@pytest.mark.model
def test_vectors_have_length_one_and_belong_to_their_texts_in_any_order():
    config = EmbedConfig(batch_size=2)
    finished: list[int] = []
    vectors = embed([*GARDENING, SQL], config, lambda items=1: finished.append(items))
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert sum(finished) == 3
    assert (embed([SQL, *GARDENING], config) == vectors[[2, 0, 1]]).all()


@pytest.mark.model
def test_text_beyond_the_limit_is_not_read():
    config = EmbedConfig(max_tokens=16)
    long_text = "soil " * 40
    with_tail, without_tail = embed([long_text + SQL, long_text + "roses"], config)
    assert np.allclose(with_tail, without_tail, atol=1e-5)


def test_a_missing_encoder_folder_is_named():
    with pytest.raises(SetupError, match=r"embed\.model=/no/such/encoder: no such folder"):
        embed(["text"], EmbedConfig(model="/no/such/encoder"))


def test_a_folder_that_holds_no_encoder_says_what_to_give(tmp_path):
    with pytest.raises(SetupError, match=r"cannot be loaded .*safetensors"):
        embed(["text"], EmbedConfig(model=str(tmp_path)))

from __future__ import annotations

from typing import get_args

import pytest

from entp.config import RaterName, load
from entp.errors import UsageError
from entp.rate.raters import RATERS


def test_the_configuration_names_the_raters_there_are():
    assert set(get_args(RaterName)) == set(RATERS)


@pytest.mark.parametrize(
    ("raters", "complaint"), [("[judge, judge]", "named twice"), ("[judge, combined]", "two other raters")]
)
def test_a_list_of_raters_that_makes_no_sense_is_refused(raters, complaint):
    with pytest.raises(UsageError, match=complaint):
        load(overrides=[f"rate.raters={raters}"])

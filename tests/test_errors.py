from __future__ import annotations

import pytest

from entp.errors import first_line, near, nearest, one_line


def test_the_first_line_of_an_error_is_told_or_its_kind_where_it_has_none():
    assert first_line(ValueError("\n out of memory\nat line 3")) == "out of memory"
    assert first_line(TimeoutError(" \n")) == "TimeoutError"
    assert len(first_line(ValueError("x" * 999))) == 300


def test_an_error_of_many_lines_is_told_in_one():
    assert one_line(ValueError("no config\n  found\n")) == "no config found"
    assert one_line(KeyError()) == "KeyError"


@pytest.mark.parametrize(("name", "hint"), [("purg", "did you mean 'purge'?"), ("xyz", "known stages: ingest, purge")])
def test_an_unknown_name_gets_the_nearest_or_all_that_there_are(name, hint):
    assert near(name, ("ingest", "purge"), "stages") == hint


def test_nothing_is_near_a_name_that_is_like_none():
    assert nearest("xyz", ["ingest", "purge"]) is None

from __future__ import annotations

from pathlib import Path

import pytest

from entp import params
from entp.errors import UsageError
from entp.params import as_yaml

PARAMS = Path(__file__).parent.parent / "params.yaml"


def test_overrides_win_over_the_file(tmp_path):
    (tmp_path / "params.yaml").write_text("mix:\n  max_pairs: 5\n  key_terms: 3\n")
    loaded = params.load(tmp_path / "params.yaml", ["mix.max_pairs=9"])
    assert (loaded.mix.max_pairs, loaded.mix.key_terms) == (9, 3)


def test_an_unknown_key_suggests_the_nearest_one():
    with pytest.raises(UsageError, match=r"unknown key `llm.batchsize`; did you mean `llm.batch_size`\?"):
        params.load(None, ["llm.batchsize=4"])


def test_an_unknown_section_suggests_the_nearest_one():
    with pytest.raises(UsageError, match=r"unknown key `purg`; did you mean `purge`\?"):
        params.load(None, ["purg.languages=[en]"])


def test_a_value_out_of_range_names_the_field_and_the_value():
    with pytest.raises(UsageError, match=r"mix.key_terms: .* \(found 0\)"):
        params.load(None, ["mix.key_terms=0"])


def test_every_problem_is_reported_at_once():
    with pytest.raises(UsageError) as problems:
        params.load(None, ["llm.batchsize=4", "mix.key_terms=0"])
    assert len(str(problems.value).splitlines()) == 2


def test_an_override_without_a_value_is_refused():
    with pytest.raises(UsageError, match=r"written section\.field=value"):
        params.load(None, ["mix.max_pairs"])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere.yaml: no such configuration file"):
        params.load(tmp_path / "nowhere.yaml")


def test_broken_yaml_is_named(tmp_path):
    (tmp_path / "params.yaml").write_text("mix: [1")
    with pytest.raises(UsageError, match="not valid YAML"):
        params.load(tmp_path / "params.yaml")


def test_the_printed_parameters_load_back_to_the_same_configuration(tmp_path):
    changed = params.load(None, ["mix.max_pairs=7", "purge.languages=[de, fr]", "purge.thresholds={symbol_heavy: 0.4}"])
    (tmp_path / "params.yaml").write_text(as_yaml(changed))
    assert params.load(tmp_path / "params.yaml") == changed


def test_the_committed_parameters_name_every_key_with_its_current_comment():
    assert PARAMS.read_text() == as_yaml(params.load(PARAMS))

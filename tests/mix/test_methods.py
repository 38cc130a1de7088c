"""The rivals and the switches: what each asks, what it makes its sample of, and that all pass one bar."""

from __future__ import annotations

import pytest

from entp.errors import UsageError
from entp.llm.client import Generate
from entp.mix.methods import METHODS
from entp.mix.methods.rivals import OPERATIONS
from tests.mix.pairs import ANSWER, BEACH, FRUITS, MERGED, Script, fuse_one, prompts_of, with_mix

HALF = "Name three citrus fruits with vitamins, then describe a beach."


def operators(trace):
    return [step["operator"] for step in trace["steps"]]


def written(seen):
    return [request for request in seen if isinstance(request, Generate)]


def test_one_shot_merges_once_answers_once_and_asks_no_judge_but_the_rater(monkeypatch, tmp_path):
    fusion, trace, seen = fuse_one(Script([MERGED], [ANSWER]), monkeypatch, tmp_path, method="one_shot")
    assert operators(trace) == ["MCG", "MCG", "FAC", "RATE"]
    assert (fusion.decision["status"], len(written(seen))) == ("fused", 2)
    assert not prompts_of(seen, "ICD") + prompts_of(seen, "FAC")


def test_one_shot_is_held_to_the_same_loss_and_has_no_way_out(monkeypatch, tmp_path):
    fusion, _, _ = fuse_one(Script(["Task 1"], [ANSWER]), monkeypatch, tmp_path, method="one_shot")
    assert (fusion.decision["status"], fusion.decision["reason"]) == ("rejected", "loss_too_high")
    assert fusion.messages is None


def test_one_to_one_rewrites_the_better_parent_and_is_compared_with_it_alone(monkeypatch, tmp_path):
    script = Script([], [ANSWER], value=lambda prompt: 1.0 if BEACH.prompt in prompt else 2.0)
    fusion, trace, _ = fuse_one(script, monkeypatch, tmp_path, method="one_to_one", accept_loss=2.0)
    assert operators(trace) == ["RATE", "REWRITE", "REWRITE", "REWRITE", "RATE"]
    assert fusion.decision["status"] == "rewritten"
    assert fusion.decision["sentence"].startswith("Parent A became a new sample")
    assert fusion.messages[0]["content"] == script.rewrite


def test_self_refine_criticises_and_mends_as_often_as_there_are_further_tries(monkeypatch, tmp_path):
    fusion, trace, seen = fuse_one(
        Script([HALF, MERGED], [ANSWER]), monkeypatch, tmp_path, method="self_refine", instruction_tries=2
    )
    round_of_two = ["CRITIQUE", "MCG", "FAU", "FAC"]
    assert operators(trace) == ["MCG", "MCG", "FAC", *round_of_two, "RATE"]
    assert len(written(seen)) == 5
    assert len(fusion.curve) == 2


def test_self_instruct_owes_its_examples_nothing_but_a_difference(monkeypatch, tmp_path):
    new = "List four spices that grow in warm countries."
    fusion, trace, _ = fuse_one(Script([new], [ANSWER]), monkeypatch, tmp_path, method="self_instruct")
    assert operators(trace) == ["INVENT", "INVENT", "FAC", "RATE"]
    [measured] = [step for step in trace["steps"] if step["operator"] == "FAC"]
    assert not {"missing_terms_a", "missing_intent", "answer_misses_a"} & set(measured["terms"])
    copied, _, _ = fuse_one(Script([FRUITS.prompt], [ANSWER]), monkeypatch, tmp_path / "copied", method="self_instruct")
    assert copied.decision["reason"] == "loss_too_high"
    assert fusion.curve[-1] < copied.curve[-1]


def test_evol_instruct_draws_its_operation_by_the_pairs_seed(monkeypatch, tmp_path):
    drawn = []
    for number in range(2):
        _, trace, _ = fuse_one(Script([MERGED], [ANSWER]), monkeypatch, tmp_path / str(number), method="evol_instruct")
        drawn.append(trace["steps"][1]["template"])
    assert drawn[0] == drawn[1]
    assert drawn[0] in OPERATIONS


@pytest.mark.parametrize("method", METHODS)
def test_every_method_shows_what_samples_say_as_data_only(monkeypatch, tmp_path, method):
    """A parent's words stand between marks, in the answer's notes, or alone as the task to be answered."""
    _, _, seen = fuse_one(Script([MERGED], [ANSWER]), monkeypatch, tmp_path, method=method)
    for request in written(seen):
        prompt = request.messages[-1]["content"]
        if FRUITS.prompt in prompt and not prompt.startswith(FRUITS.prompt):
            assert f"\n{FRUITS.prompt}\n</task" in prompt


def test_without_the_instruction_cycle_the_first_merge_stands(monkeypatch, tmp_path):
    fusion, trace, _ = fuse_one(Script([HALF, MERGED], [ANSWER]), monkeypatch, tmp_path, instruction_cycle=False)
    assert operators(trace).count("ICD") == 1
    assert fusion.messages is None or fusion.messages[0]["content"] == HALF


def test_without_the_answer_cycle_the_first_answer_stands(monkeypatch, tmp_path):
    short = "Oranges, lemons and limes."
    _, trace, _ = fuse_one(Script([MERGED], [short, ANSWER]), monkeypatch, tmp_path, answer_cycle=False)
    assert "FAU" not in operators(trace)


def test_without_switching_the_first_template_is_used_again_and_names_no_terms(monkeypatch, tmp_path):
    _, trace, seen = fuse_one(Script([HALF, MERGED], [ANSWER]), monkeypatch, tmp_path, prompt_switching=False)
    merges = [step["template"] for step in trace["steps"] if step["operator"] == "MCG"]
    assert merges[:2] == ["merge_plain", "merge_plain"]
    assert len(set(prompts_of(seen, "MCG"))) == 1


def test_without_the_symbolic_loss_the_judge_alone_steers_and_the_whole_loss_is_still_told(monkeypatch, tmp_path):
    fusion, trace, _ = fuse_one(Script([HALF, MERGED], [ANSWER]), monkeypatch, tmp_path, symbolic_loss=False)
    [check] = [step for step in trace["steps"] if step["operator"] == "ICD"]
    assert check["heaviest"] in ("missing_terms_a", "missing_terms_b")
    assert fusion.curve[-1] > 0


def test_steering_by_the_judge_needs_a_judge():
    with pytest.raises(UsageError, match=r"loss.judged_incomplete"):
        with_mix(symbolic_loss=False, judged_incomplete=0)


def test_a_weight_of_the_loss_is_a_setting(monkeypatch, tmp_path):
    light, _, _ = fuse_one(Script([HALF], [ANSWER]), monkeypatch, tmp_path, missing_terms_b=0.1)
    heavy, _, _ = fuse_one(Script([HALF], [ANSWER]), monkeypatch, tmp_path / "heavy", missing_terms_b=0.4)
    assert heavy.curve[-1] > light.curve[-1] > 0

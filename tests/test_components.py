"""Components against the stages they run."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import yaml
from kfp.dsl.base_component import BaseComponent

from components.stages import STAGE_COMPONENTS
from entp.platform.profiles import load_profile, profile_names
from entp.stages import NAMES, STAGES, Stage, stage_named

ROOT = Path(__file__).parents[1]
MODULES = [
    importlib.import_module(f"components.{path.stem}")
    for path in sorted((ROOT / "components").glob("*.py"))
    if path.stem != "__init__"
]
COMPONENTS: dict[str, BaseComponent] = STAGE_COMPONENTS | {
    name: value for module in MODULES for name, value in vars(module).items() if isinstance(value, BaseComponent)
}


@pytest.mark.parametrize("stage", STAGES, ids=NAMES)
def test_a_stage_s_component_takes_its_parents_with_their_digests_and_its_sections(stage: Stage):
    parents = [stage_named(parent).makes for parent in stage.parents] or ["pool"]
    expected = {*parents, *(f"{name}_digest" for name in parents), *stage.sections}
    assert set(COMPONENTS[stage.name].component_spec.inputs) == expected


@pytest.mark.parametrize("stage", STAGES, ids=NAMES)
def test_a_stage_s_component_gives_its_dataset_digest_metrics_and_summary(stage: Stage):
    outputs = COMPONENTS[stage.name].component_spec.outputs
    assert set(outputs) >= {stage.makes, "digest", "metrics", "summary"}
    assert outputs[stage.makes].type.startswith("system.Model" if stage.kind == "model" else "system.Dataset")


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_runs_a_step_of_the_command_line(name: str):
    from typer.main import get_group

    from entp.platform.step_commands import app

    container = COMPONENTS[name].component_spec.implementation.container
    assert container.command[:2] == ["entp", "step"]
    assert container.command[2] in get_group(app).commands


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_uses_only_options_that_its_step_knows(name: str):
    from typer.main import get_group

    from entp.platform.step_commands import app

    container = COMPONENTS[name].component_spec.implementation.container
    command = get_group(app).commands[container.command[2]]
    known = {option for parameter in command.params for option in parameter.opts}
    used = {argument for argument in container.args or [] if isinstance(argument, str) and argument.startswith("--")}
    assert used <= known


@pytest.mark.parametrize("profile", profile_names())
def test_every_component_has_a_place_in_every_profile(profile: str):
    placed = load_profile(profile)
    assert all(placed.of(name) for name in COMPONENTS)


def test_only_work_with_a_model_runs_on_gpu_nodes():
    profile = load_profile("gpu")
    on_gpu = {name for name in COMPONENTS if profile.of(name).gpus}
    assert on_gpu == {"rate", "curate", "mix", "train", "evaluate", "cell"}


def test_work_with_state_to_resume_has_the_cache_volume():
    for name in profile_names():
        profile = load_profile(name)
        assert all("cache" in profile.of(step).volumes for step in ("rate", "mix", "train", "evaluate"))


def test_an_unknown_key_in_the_profiles_is_refused(tmp_path):
    from entp.errors import UsageError

    content = yaml.safe_load((ROOT / "pipelines" / "profiles.yaml").read_text())
    content["profiles"]["cpu"]["small"]["gpu_count"] = 1
    path = tmp_path / "profiles.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(UsageError, match=r"cpu.*small.gpu_count"):
        load_profile("cpu", path)


def test_an_unknown_profile_names_the_known_ones():
    from entp.errors import UsageError

    with pytest.raises(UsageError, match="cpu, gpu, gpu-spot"):
        load_profile("tpu")

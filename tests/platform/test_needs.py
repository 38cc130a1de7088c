"""What a profile asks of a cluster is read from its file, and nowhere else."""

from pathlib import Path

import pytest
import yaml

from entp.platform.needs import Needs, needs_of, quantity, requests_of
from entp.platform.profiles import Profile, load_profile

ROOT = Path(__file__).parents[2]


def load(name: str) -> Profile:
    return load_profile(name, ROOT / "pipelines/profiles.yaml")


def changed(tmp_path: Path, **fields: object) -> Needs:
    """The gpu profile's needs, with other fields for its training."""
    content = yaml.safe_load((ROOT / "pipelines/profiles.yaml").read_text())
    content["profiles"]["gpu"]["training"] |= fields
    path = tmp_path / "profiles.yaml"
    path.write_text(yaml.safe_dump(content))
    return needs_of(load_profile("gpu", path))


def test_each_kind_of_work_that_a_step_is_needs_a_place():
    profile = load("gpu")
    placements = {placement.work: placement for placement in needs_of(profile).placements}
    assert set(placements) == set(profile.steps.values())
    for work, placement in placements.items():
        assert placement.labels == profile.work[work].node_selector
        assert placement.requests == requests_of(profile.work[work])
        assert list(placement.tolerations) == profile.work[work].tolerations


def test_a_pool_is_named_by_its_labels():
    pools = {placement.work: placement.pool for placement in needs_of(load("gpu-spot")).placements}
    assert (pools["training"], pools["small"]) == ("entp/pool=gpu-spot", "any node")


@pytest.mark.parametrize(
    ("fields", "resource", "largest"),
    [
        ({"gpus": 8}, "nvidia.com/gpu", "8"),
        ({"gpus": 2, "accelerator": "amd.com/gpu"}, "amd.com/gpu", "2"),
        ({"memory": "1Ti"}, "memory", "1Ti"),
        ({"cpu": "9500m"}, "cpu", "9500m"),
        ({"cpu": "500m"}, "cpu", "8"),
        ({"nodes": 4, "gpus": 2}, "nvidia.com/gpu", "8"),
    ],
)
def test_the_largest_request_follows_the_file(tmp_path, fields, resource, largest):
    assert changed(tmp_path, **fields).largest[resource] == quantity(largest)


def test_claims_are_those_of_the_volumes_that_some_work_mounts():
    assert needs_of(load("cpu")).claims == ("entp-cache", "entp-models")
    works = {name: work.model_copy(update={"volumes": ["models"]}) for name, work in load("cpu").work.items()}
    assert needs_of(load("cpu").model_copy(update={"work": works})).claims == ("entp-models",)


def test_only_gpus_ask_for_the_trainer_and_for_volumes_on_several_nodes():
    cpu, gpu = needs_of(load("cpu")), needs_of(load("gpu"))
    assert (cpu.runtime, cpu.queue, cpu.shared) == (None, None, False)
    assert (gpu.runtime, gpu.queue, gpu.shared) == ("entp-torch", "entp", True)
    plurals = {resource.plural for resource in gpu.custom_resources}
    assert plurals - {resource.plural for resource in cpu.custom_resources} == {"trainjobs", "localqueues"}

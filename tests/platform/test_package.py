"""Compiled pipelines: what they name, and pinning it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from entp.errors import UsageError
from entp.platform import package
from tests.platform.workspace import CPU, GPU, IMAGES, PINNED_CPU, PINNED_GPU, compiled


@pytest.fixture
def pipeline(tmp_path: Path) -> package.Package:
    (tmp_path / "pipeline.yaml").write_text(compiled())
    return package.read(tmp_path / "pipeline.yaml")


def test_a_package_knows_its_name_parameters_and_images(pipeline):
    assert pipeline.name == "entp-purge-mix-sft"
    assert pipeline.parameters["seed"] == {"parameterType": "NUMBER_INTEGER", "defaultValue": 42.0, "isOptional": True}
    assert pipeline.images == [CPU, GPU]


def test_pinning_replaces_images_wherever_they_stand(pipeline):
    pinned = package.pin(pipeline, IMAGES, required=True)
    assert pinned.images == sorted([PINNED_CPU, PINNED_GPU])
    text = package.as_yaml(pinned)
    assert CPU not in text
    assert GPU not in text
    assert text.count(PINNED_GPU) == 2, "the container, and the launcher's argument"


def test_pinning_leaves_the_given_package_alone(pipeline):
    package.pin(pipeline, IMAGES, required=True)
    assert pipeline.images == [CPU, GPU]


def test_an_image_the_pipeline_does_not_use_is_refused(pipeline):
    with pytest.raises(UsageError, match=r"does not use the image other:1; its images: registry\.example\.com"):
        package.pin(pipeline, {"other:1": PINNED_CPU}, required=False)


def test_an_image_left_without_a_digest_is_refused_where_pinning_is_required(pipeline):
    with pytest.raises(UsageError, match=r"--image gpu=registry\.example\.com/entp/gpu@sha256:"):
        package.pin(pipeline, {CPU: PINNED_CPU}, required=True)
    assert package.pin(pipeline, {CPU: PINNED_CPU}, required=False).images == sorted([PINNED_CPU, GPU])


def test_a_replacement_by_tag_does_not_count_as_pinned(pipeline):
    with pytest.raises(UsageError, match="pinned by digest"):
        package.pin(pipeline, IMAGES | {GPU: "ghcr.io/example/entp-gpu:latest"}, required=True)


def test_both_documents_survive_writing_and_reading(pipeline, tmp_path):
    (tmp_path / "again.yaml").write_text(package.as_yaml(pipeline))
    again = package.read(tmp_path / "again.yaml")
    assert again == pipeline
    assert package.as_request(again)["platform_spec"]["platforms"]["kubernetes"]


def test_the_digest_is_of_the_content_not_of_its_layout(pipeline, tmp_path):
    spec, platform = yaml.safe_load_all(compiled())
    (tmp_path / "other.yaml").write_text("# another header\n" + yaml.dump_all([spec, platform], indent=8))
    assert package.digest(package.read(tmp_path / "other.yaml")) == package.digest(pipeline)
    assert package.digest(package.pin(pipeline, IMAGES, required=True)) != package.digest(pipeline)


@pytest.mark.parametrize("content", ["just text", "kind: Pipeline", "a: 1\n---\nb: 2\n---\nc: 3", "{unclosed"])
def test_a_file_that_is_no_compiled_pipeline_is_a_usage_error(content, tmp_path):
    (tmp_path / "odd.yaml").write_text(content)
    with pytest.raises(UsageError, match=r"odd\.yaml"):
        package.read(tmp_path / "odd.yaml")


def test_an_unknown_pipeline_or_profile_tells_which_there_are():
    with pytest.raises(UsageError, match="the pipelines are purge_mix_sft, data_only, compare"):
        package.compiled("purge_mix", "cpu")
    with pytest.raises(UsageError, match="the profiles are cpu, gpu, gpu-spot"):
        package.compiled("data_only", "tpu")


def test_an_image_goes_by_its_short_name(pipeline):
    assert package.pin(pipeline, {"cpu": PINNED_CPU, "gpu": PINNED_GPU}, required=True) == package.pin(
        pipeline, IMAGES, required=True
    )

"""Compiled pipelines: reading KFP's IR YAML, and pinning the images it names by digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from entp.errors import UsageError

COMPILED = Path("pipelines/compiled")
PINNED = re.compile(r".+@sha256:[0-9a-f]{64}")
Json = dict[str, Any]


@dataclass(frozen=True)
class Package:
    """One compiled pipeline; `platform` is the second YAML document (volumes, node selectors), empty where absent."""

    spec: Json
    platform: Json

    @property
    def name(self) -> str:
        """The pipeline's own name, such as `entp-purge-mix-sft`."""
        return str(self.spec["pipelineInfo"]["name"])

    @property
    def parameters(self) -> Mapping[str, Json]:
        """The pipeline's parameters: name -> {parameterType, defaultValue?, isOptional?}."""
        declared: Json = self.spec["root"].get("inputDefinitions", {}).get("parameters", {})
        return declared

    @property
    def images(self) -> list[str]:
        """The distinct image references of its containers, sorted."""
        executors = self.spec.get("deploymentSpec", {}).get("executors", {}).values()
        return sorted({executor["container"]["image"] for executor in executors if "container" in executor})


def compiled(profile: str, pipeline: str) -> Path:
    """Where the compiled file of a pipeline lies, seen from the project's root.

    Raises UsageError naming what there is, if there is no such file.
    """
    path = COMPILED / profile / f"{pipeline}.yaml"
    if path.is_file():
        return path
    known = ", ".join(f"{file.parent.name}/{file.stem}" for file in sorted(COMPILED.glob("*/*.yaml")))
    there = f"there are {known}" if known else "run this in the project's root, after `entp pipelines compile`"
    raise UsageError(f"{path}: no such compiled pipeline; {there}")


def read(path: Path) -> Package:
    """Read a compiled pipeline.

    Raises UsageError if the file is missing or is not one.
    """
    try:
        documents = [document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document]
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such compiled pipeline") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid YAML: {error}") from error
    if not all(isinstance(document, dict) for document in documents) or not 1 <= len(documents) <= 2:
        raise UsageError(f"{path}: not a compiled pipeline: expected one or two YAML documents")
    spec, platform = (*documents, {})[:2]
    if "pipelineInfo" not in spec or "root" not in spec:
        raise UsageError(f"{path}: not a compiled pipeline: it has no pipelineInfo and root")
    return Package(spec, platform)


def pin(package: Package, images: Mapping[str, str], required: bool) -> Package:
    """The package with image references replaced, old -> new, wherever one stands alone (arguments included).

    Raises UsageError if `images` names one that the pipeline does not use, or if `required` and one is left
    without a digest.
    """
    unknown = sorted(set(images) - set(package.images))
    if unknown:
        raise UsageError(f"{package.name} does not use the image {unknown[0]}; its images: {', '.join(package.images)}")
    pinned = Package(_replace(package.spec, images), _replace(package.platform, images))
    loose = [image for image in pinned.images if not PINNED.fullmatch(image)]
    if required and loose:
        wanted = " ".join(f"--image {image}={_repository(image)}@sha256:..." for image in loose)
        raise UsageError(f"{package.name}: images must be pinned by digest: add {wanted}")
    return pinned


def as_yaml(package: Package) -> str:
    """The package as KFP reads it; equal packages give equal text."""
    documents = [package.spec, package.platform] if package.platform else [package.spec]
    return yaml.safe_dump_all(documents, sort_keys=True, allow_unicode=True)


def as_request(package: Package) -> Json:
    """The package as the KFP API takes it inside a run."""
    if not package.platform:
        return package.spec
    return {"pipeline_spec": package.spec, "platform_spec": package.platform}


def digest(package: Package) -> str:
    """sha256 (hex) of the package's content, whatever its layout on disk."""
    content = json.dumps([package.spec, package.platform], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def _replace(value: Any, images: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return images.get(value, value)
    if isinstance(value, list):
        return [_replace(item, images) for item in value]
    if isinstance(value, dict):
        return {key: _replace(item, images) for key, item in value.items()}
    return value


def _repository(image: str) -> str:
    """`host:5000/team/cpu:1.0` -> `host:5000/team/cpu`."""
    head, slash, last = image.partition("@")[0].rpartition("/")
    return head + slash + last.partition(":")[0]

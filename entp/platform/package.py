"""Compiled pipelines: compiling and reading KFP's IR YAML, and pinning the images it names by digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from entp.errors import SetupError, UsageError
from entp.fast_yaml import dump_all, load_all

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


def compiler() -> ModuleType:
    """The module `pipelines.compile`. Raises SetupError where kfp is missing, or a stranger has taken the name."""
    try:
        from pipelines import compile as module
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] in ("pipelines", "components"):
            raise SetupError(f"{error}: another package of that name comes before entp's own on sys.path") from error
        raise SetupError(f'compiling needs kfp ({error}): pip install "entp[cluster]"') from error
    except ImportError as error:
        raise SetupError(f"{error}: another package of that name comes before entp's own on sys.path") from error
    return module


def compiled(pipeline: str, profile: str) -> Package:
    """Compile one of our pipelines. Raises UsageError for names that do not exist, SetupError without kfp."""
    return parse(compiler().compile_one(pipeline, profile), f"{pipeline} for {profile}")


def read(path: Path) -> Package:
    """Read a compiled pipeline.

    Raises UsageError if the file is missing or is not one.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such compiled pipeline") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not valid YAML: {error}") from error
    return parse(text, str(path))


def parse(text: str, origin: str) -> Package:
    """The package that IR YAML holds; `origin` is where it came from, for messages. Raises UsageError if it is none."""
    try:
        documents = [document for document in load_all(text) if document]
    except yaml.YAMLError as error:
        raise UsageError(f"{origin}: not valid YAML: {error}") from error
    if not all(isinstance(document, dict) for document in documents) or not 1 <= len(documents) <= 2:
        raise UsageError(f"{origin}: not a compiled pipeline: expected one or two YAML documents")
    spec, platform = (*documents, {})[:2]
    if "pipelineInfo" not in spec or "root" not in spec:
        raise UsageError(f"{origin}: not a compiled pipeline: it has no pipelineInfo and root")
    return Package(spec, platform)


def replacements(package: Package, images: Mapping[str, str]) -> dict[str, str]:
    """Old image -> new one, from such pairs where an old image may go by its short name (`cpu`).

    Raises UsageError for one that the pipeline does not use.
    """
    by_name = {short_name(image): image for image in package.images}
    unknown = sorted(set(images) - set(package.images) - set(by_name))
    if unknown:
        raise UsageError(f"{package.name} does not use the image {unknown[0]}; its images: {', '.join(package.images)}")
    return {old if old in package.images else by_name[old]: new for old, new in images.items()}


def pin(package: Package, images: Mapping[str, str], required: bool) -> Package:
    """The package with image references replaced, old -> new, wherever one stands alone (arguments included).

    Raises UsageError as `replacements` does, and if `required` and an image is left without a digest.
    """
    replaced = replacements(package, images)
    pinned = Package(_replace(package.spec, replaced), _replace(package.platform, replaced))
    loose = [image for image in pinned.images if not PINNED.fullmatch(image)]
    if required and loose:
        wanted = " ".join(f"--image {short_name(image)}={_repository(image)}@sha256:..." for image in loose)
        raise UsageError(f"{package.name}: images must be pinned by digest: add {wanted}")
    return pinned


def as_yaml(package: Package) -> str:
    """The package as KFP reads it; equal packages give equal text."""
    documents = [package.spec, package.platform] if package.platform else [package.spec]
    return dump_all(documents)


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


def short_name(image: str) -> str:
    """`host:5000/team/cpu:1.0` -> `cpu`."""
    return _repository(image).rpartition("/")[2]


def _repository(image: str) -> str:
    """`host:5000/team/cpu:1.0` -> `host:5000/team/cpu`."""
    head, slash, last = image.partition("@")[0].rpartition("/")
    return head + slash + last.partition(":")[0]

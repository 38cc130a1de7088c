"""Profiles: where each step of a pipeline runs (`pipelines/profiles.yaml`), read strictly.

A working directory with a file of that name has its own profiles; elsewhere those that came with the package count.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from entp.errors import UsageError

OWN_FILE = Path("pipelines/profiles.yaml")
Volume = Literal["cache", "models"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Toleration(_Strict):
    """As in a pod's `tolerations`."""

    key: str
    operator: Literal["Equal", "Exists"]
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class Work(_Strict):
    """What one kind of work gets: image by its short name, Kubernetes quantities, node pool, limits.

    With several `nodes`, training is a TrainJob of that many pods in Kueue's `queue`, and the rest is what each of them
    gets.
    """

    image: str
    cpu: str
    memory: str
    timeout_minutes: int = Field(ge=1)
    retries: int = Field(ge=0)
    gpus: int = Field(0, ge=0)
    nodes: int = Field(1, ge=1)
    queue: str | None = None
    accelerator: str | None = None
    node_selector: dict[str, str] = {}
    tolerations: list[Toleration] = []
    volumes: list[Volume] = []
    shm: str | None = None


class Profile(_Strict):
    """One profile, complete: the work behind every step, image references, and default parameters."""

    name: str
    work: dict[str, Work]
    steps: dict[str, str]
    images: dict[str, str]
    settings: list[str]

    def of(self, step: str) -> Work:
        """What a step gets. Raises UsageError for a step that no profile places."""
        if step not in self.steps:
            raise UsageError(f"{OWN_FILE}: `steps` does not say what kind of work {step!r} is")
        return self.work[self.steps[step]]


def load_profile(name: str, path: Path | None = None) -> Profile:
    """Raises UsageError naming the file, the field and the known profiles."""
    path = path or profiles_file()
    content = _read(path)
    profiles = content["profiles"]
    if name not in profiles:
        raise UsageError(f"there is no profile {name!r} in {path}; the profiles are {', '.join(profiles)}")
    try:
        profile = Profile(
            name=name,
            work=profiles[name],
            steps=content["steps"],
            images=content["images"],
            settings=content["settings"][name],
        )
    except ValidationError as error:
        places = "; ".join(f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors())
        raise UsageError(f"{path}: profile {name}: {places}") from error
    for step, kind in profile.steps.items():
        if kind not in profile.work:
            raise UsageError(f"{path}: step {step} is {kind!r} work, which profile {name} does not describe")
    for kind, work in profile.work.items():
        if work.image not in profile.images:
            raise UsageError(
                f"{path}: {name}.{kind} names image {work.image!r}; `images` has {', '.join(profile.images)}"
            )
    return profile


def profile_names() -> list[str]:
    return list(_read(profiles_file())["profiles"])


def profiles_file() -> Path:
    """The file that counts here."""
    return OWN_FILE if OWN_FILE.is_file() else Path(str(resources.files("pipelines").joinpath(OWN_FILE.name)))


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    missing = {"steps", "images", "settings", "profiles"} - set(content)
    if missing:
        raise UsageError(f"{path}: lacks {', '.join(sorted(missing))}")
    return content

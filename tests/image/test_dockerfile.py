"""What the Dockerfile and the locks promise, read from their text: no builder is needed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==[0-9][0-9a-z.+]*( ; .+)?")
SECRET = re.compile(r"(?i)token|secret|passw|credential|api_?key|access_?key")

Instruction = tuple[str, str]


def instructions() -> list[Instruction]:
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(word, rest.strip()) for word, rest in (line.split(maxsplit=1) for line in joined.splitlines() if line)]


def stages() -> dict[str, list[Instruction]]:
    found: dict[str, list[Instruction]] = {}
    for word, rest in instructions():
        if word == "FROM":
            found[rest.split(" AS ")[1]] = []
        elif found:
            found[list(found)[-1]].append((word, rest))
    return found


def distributions(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=;, ]", requirement.lower())[0] for requirement in requirements}


def pinned(lock: str) -> list[str]:
    matches = [PIN.fullmatch(line) for line in (ROOT / "requirements" / lock).read_text().splitlines()]
    return [match["name"] for match in matches if match]


@pytest.mark.parametrize("target", ["cpu", "gpu"])
def test_a_target_ends_as_a_numeric_user_other_than_root_in_group_0(target):
    word, user = stages()[target][-1]
    assert word == "USER"
    assert re.fullmatch(r"[1-9]\d+:0", user)


def test_no_image_is_left_to_float():
    origins = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    defaults = [rest.removeprefix("BASE=") for word, rest in instructions() if rest.startswith("BASE=")]
    outside = {origin for origin in origins if origin not in {*stages(), "scratch", "${BASE}"}}
    assert outside == set()
    assert len(defaults) == 1
    assert re.fullmatch(r"[\w./-]+:(?!latest$)[\w.-]+", defaults[0])


def test_every_file_that_is_copied_exists_and_passes_the_dockerignore():
    copies = [rest.split()[:-1] for word, rest in instructions() if word == "COPY" and not rest.startswith("--from")]
    sources = {source.rstrip("/") for copy in copies for source in copy}
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in allowed
    assert {source for source in sources if not (ROOT / source).exists()} == set()
    assert {source for source in sources if f"!{source.split('/')[0]}" not in allowed} == set()


def test_a_final_layer_takes_from_the_build_the_environment_and_the_project_only():
    for target in ("cpu", "gpu"):
        copies = [rest for word, rest in stages()[target] if word == "COPY"]
        assert copies == [
            f"--from=build-{target} /opt/venv /opt/venv",
            "--from=project /opt/entp /opt/entp",
        ]


def test_no_argument_and_no_variable_carries_a_secret():
    names = [rest for word, rest in instructions() if word in ("ARG", "ENV")]
    assert names
    assert [name for name in names if SECRET.search(name)] == []


@pytest.mark.parametrize("lock", ["lock.txt", "dev.lock.txt", "torch.txt", "gpu.lock.txt"])
def test_every_line_of_a_lock_pins_one_version(lock):
    lines = (ROOT / "requirements" / lock).read_text().splitlines()
    assert [line for line in lines if not PIN.fullmatch(line)] == []
    assert lines


def test_the_cpu_image_leaves_out_the_development_tools_and_no_dependency():
    needed = distributions([*PROJECT["dependencies"], *EXTRAS["train"], *EXTRAS["embedded"], *EXTRAS["cluster"]])
    assert distributions(EXTRAS["dev"]) <= set(pinned("dev.lock.txt"))
    assert set(pinned("dev.lock.txt")) & set(pinned("lock.txt")) == set()
    assert "dev.lock.txt" not in (ROOT / "Dockerfile").read_text()
    assert needed - {"torch"} <= set(pinned("lock.txt"))


def test_the_gpu_lock_holds_vllm_and_what_training_needs_and_no_kfp():
    names = set(pinned("gpu.lock.txt"))
    assert distributions([*PROJECT["dependencies"], *EXTRAS["train"], *EXTRAS["vllm"]]) <= names
    assert {name for name in names if name.startswith("kfp")} == set()

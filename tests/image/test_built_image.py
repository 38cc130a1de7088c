"""A built image, named by ENTP_TEST_IMAGE, under the restrictions of a pod: its own user, a read-only root, /tmp."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from entp import __version__

ROOT = Path(__file__).parents[2]
IMAGE = os.environ.get("ENTP_TEST_IMAGE", "")
BUILDERS = ("docker", "podman", "buildah")

pytestmark = [
    pytest.mark.image,
    pytest.mark.skipif(not IMAGE, reason="ENTP_TEST_IMAGE does not name a built image"),
    pytest.mark.skipif(not any(map(shutil.which, BUILDERS)), reason=f"none of {', '.join(BUILDERS)} is installed"),
]


def in_image(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [ROOT / "scripts" / "run-in-image.sh", IMAGE, *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, check=False)


def shell(script: str) -> subprocess.CompletedProcess[str]:
    return in_image("--", "sh", "-c", script)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A host folder that the image's user may write to."""
    tmp_path.chmod(0o777)
    return tmp_path


def test_the_command_is_on_the_path_and_says_the_version():
    result = in_image("--", "entp", "--version")
    assert (result.returncode, result.stdout.strip()) == (0, f"entp {__version__}")


def test_the_process_is_user_10001_in_group_0_without_capabilities():
    result = shell("id -u; id -g; grep -E 'CapEff|NoNewPrivs' /proc/self/status")
    assert result.stdout.split() == ["10001", "0", "CapEff:", "0000000000000000", "NoNewPrivs:", "1"]


@pytest.mark.parametrize("place", ["/opt/entp", "/opt/venv", "/var/tmp", "/etc", "/"])
def test_nothing_can_be_written_outside_tmp(place):
    result = shell(f"touch {place}/written")
    assert result.returncode == 1
    assert "Read-only file system" in result.stderr


def test_tmp_can_be_written_and_is_empty_at_every_start():
    assert shell("touch /tmp/written").returncode == 0
    assert shell("ls -A /tmp").stdout == ""


def test_the_sample_pool_is_ingested_and_purged(folder):
    run = folder / "run"
    mounted = ("--mount", folder, "--")
    ingest = in_image(*mounted, "entp", "ingest", "--input", "examples/pool", "--output", run, "track.uri=none")
    purge = in_image(*mounted, "entp", "purge", "--output", run, "track.uri=none")
    assert (ingest.returncode, purge.returncode) == (0, 0), ingest.stderr + purge.stderr
    assert json.loads((run / "metrics" / "purge.json").read_text())["kept"] > 0


def test_the_command_gets_its_variables_and_its_exit_code_comes_back(folder):
    result = in_image("--mount", folder, "--env", "GREETING=two words", "--", "sh", "-c", 'echo "$GREETING"; exit 7')
    assert (result.returncode, result.stdout) == (7, "two words\n")


def test_no_build_tool_and_no_development_tool_is_left():
    result = shell("for tool in uv pytest mypy ruff; do command -v $tool; done")
    assert result.stdout == ""

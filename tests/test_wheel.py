"""The built wheel, away from the checkout. (`make wheel-test` also installs what it depends on.)"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UV = shutil.which("uv") or Path(sys.executable).with_name("uv")
Entp = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.skipif(not Path(UV).exists(), reason="uv is not here to build the wheel")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [UV, "build", "--quiet", "--wheel", "--no-build-isolation", "--out-dir", folder], cwd=ROOT, check=True
    )
    [path] = folder.glob("entp-*.whl")
    return path


@pytest.fixture(scope="module")
def entp(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Entp:
    """Runs the command of an environment that has the wheel, and of this one only what the wheel depends on."""
    environment = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run([UV, "pip", "install", "--quiet", "--no-deps", "--python", python, wheel], check=True)
    # Its own .pth files, by which this environment finds the checkout, are not read there.
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        command = [str(environment / "bin" / "entp"), *arguments]
        return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)

    return run


def test_it_holds_every_file_of_the_packages(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    packages = ("entp", "components", "pipelines")
    files = [path for package in packages for path in (ROOT / package).rglob("*") if path.is_file()]
    expected = {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    assert {name for name in names if ".dist-info" not in name} == expected


def test_the_first_stages_run_in_an_empty_folder(entp: Entp, tmp_path: Path):
    rows = [{"instruction": f"Name {n} rivers.", "output": f"The Rhine, the Danube and {n} more."} for n in range(3, 9)]
    (tmp_path / "my.jsonl").write_text("\n".join(map(json.dumps, rows)))
    done = entp("run", "--input", "my.jsonl", "--output", "out", "--until", "purge", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/report.html").is_file()
    assert (tmp_path / "mlflow.db").is_file(), "tracked in the default store"


def test_pipelines_compile_and_are_ready_to_submit(entp: Entp, tmp_path: Path):
    told = entp("submit", "--dry-run", "--unpinned", "--profile", "gpu", "mix.max_pairs=8", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["arguments"]["mix"]["max_pairs"] == 8


@pytest.mark.parametrize(
    ("command", "remedy"),
    [
        (["plan", "--output", "out"], "run `entp purge"),
        (["compare", "--output", "out"], "run `entp run --until curate"),
        (["preflight", "--context", "nowhere"], "kubectl config get-contexts"),
    ],
)
def test_what_cannot_be_done_names_the_remedy(command: list[str], remedy: str, entp: Entp, tmp_path: Path):
    told = entp(*command, cwd=tmp_path)
    assert told.returncode in (2, 3, 4), told.stderr
    assert remedy in " ".join(told.stderr.split())

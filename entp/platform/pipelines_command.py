"""`entp pipelines compile`: the pipelines of the checkout, compiled for every profile."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from entp.errors import SetupError, UsageError

app = typer.Typer(name="pipelines", help="The Kubeflow pipelines of this checkout.", no_args_is_help=True)


@app.callback()
def _room() -> None:
    """Keeps `compile` a sub-command."""


@app.command(name="compile")
def compile_command(
    image: Annotated[
        list[str] | None,
        typer.Option(
            "--image", metavar="NAME=REFERENCE", help="cpu= or gpu= with a digest, in place of the profile's."
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")] = Path("pipelines/compiled"),
) -> None:
    """Write IR YAML and Kubernetes-native resources for every pipeline and profile.

    **Examples**

    `entp pipelines compile`

    `entp pipelines compile --image cpu=registry.my.org/entp/cpu@sha256:... -o build/pipelines`
    """
    for path in _compiler().compile_all(output, _images(image or [])):
        typer.echo(path)


def _images(items: list[str]) -> dict[str, str]:
    images = dict(item.partition("=")[::2] for item in items)
    for name, reference in images.items():
        if name not in ("cpu", "gpu") or not reference:
            raise UsageError(f"--image {name}={reference}: expected cpu=REFERENCE or gpu=REFERENCE")
    return images


def _compiler():  # type: ignore[no-untyped-def]
    """The checkout's own module: `pipelines/` and `components/` belong to the project, not to the package."""
    if not Path("pipelines/compile.py").is_file():
        raise UsageError("pipelines/compile.py is not here; run this in the project's folder")
    sys.path.insert(0, str(Path.cwd()))
    try:
        from pipelines import compile as compiler
    except ImportError as error:
        raise SetupError(f'compiling needs kfp ({error}): pip install "entp[cluster]"') from error
    return compiler

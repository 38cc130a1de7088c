"""`entp pipelines compile`: the pipelines, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from entp.errors import UsageError

app = typer.Typer(name="pipelines", help="Work with the Kubeflow pipelines.", no_args_is_help=True)


@app.callback()
def _room() -> None:
    """Keeps `compile` a sub-command."""


@app.command(name="compile")
def compile_command(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    image: Annotated[
        list[str] | None,
        typer.Option(
            "--image",
            metavar="NAME=REFERENCE",
            help="Image to use in place of the profile's: cpu=NAME@sha256:... or gpu=NAME@sha256:...",
        ),
    ] = None,
    profile: Annotated[
        list[str] | None, typer.Option(help="Profile to compile for; may be repeated. All profiles by default.")
    ] = None,
) -> None:
    """Compile every pipeline, as YAML for Kubeflow and as Kubernetes resources.

    This is for GitOps, and for uploading in the Kubeflow UI; `entp submit` and `entp retrain` compile for themselves.

    **Example**

    `entp pipelines compile --profile cpu --image cpu=registry.my.org/entp/cpu@sha256:... --output deploy/pipelines`
    """
    from entp.platform.package import compiler

    for path in compiler().compile_all(output, _images(image or []), profile):
        typer.echo(path)


def _images(items: list[str]) -> dict[str, str]:
    images = dict(item.partition("=")[::2] for item in items)
    for name, reference in images.items():
        if name not in ("cpu", "gpu") or not reference:
            raise UsageError(f"--image {name}={reference}: expected cpu=REFERENCE or gpu=REFERENCE")
    return images

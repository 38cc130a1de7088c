"""`entp export` and `entp push`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from entp.errors import UsageError, near
from entp.export.formats import FORMATS
from entp.progress import console

app = typer.Typer()
PREFERENCES = "preferences"
Run = Annotated[Path, typer.Option("--output", "-o", help="Run folder.")]


@app.command()
def export(
    format_name: Annotated[
        str,
        typer.Option("--format", "-f", help=f"One of {', '.join(FORMATS)}, or {PREFERENCES}."),
    ],
    output: Run = Path("runs/entp"),
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder to write; RUN/export/FORMAT by default.", show_default=False)
    ] = None,
) -> None:
    """Write a run's training set in another format, or its preferences as TRL's `chosen` and `rejected`.

    **Examples**

    `entp export --format sharegpt --output runs/sample`

    `entp export --format preferences --output runs/sample --to data/preferences`
    """
    from entp.export.write import write_preferences, write_training_set

    folder = to or output / "export" / format_name
    if format_name == PREFERENCES:
        pairs, unpaired = write_preferences(output, folder)
        console.print(f"{pairs} pairs, {unpaired} answers with a label")
    elif format_name in FORMATS:
        for reason, count in write_training_set(output, format_name, folder).most_common():
            console.print(f"{count} rows left out: {format_name} has no place for {reason}")
    else:
        raise UsageError(f"--format {format_name}: {near(format_name, [*FORMATS, PREFERENCES], 'formats')}")
    typer.echo(folder)


@app.command()
def push(
    address: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS",
            help="hf://datasets/OWNER/NAME (training set), hf://OWNER/NAME (model), s3:// or gs:// (both).",
        ),
    ],
    output: Run = Path("runs/entp"),
    public: Annotated[bool, typer.Option("--public", help="Make a new repository public; private by default.")] = False,
) -> None:
    """Push a run's training set or model, with its card, to a hub or a bucket. What was there before is replaced.

    Credentials come from the environment: HF_TOKEN, AWS_ACCESS_KEY_ID and its kind, GOOGLE_APPLICATION_CREDENTIALS.

    **Examples**

    `entp push hf://datasets/OWNER/NAME --output runs/sample`

    `entp push s3://BUCKET/models/today --output runs/sample`
    """
    from entp.export.push import push as push_to

    for place in push_to(output, address, public):
        typer.echo(place)

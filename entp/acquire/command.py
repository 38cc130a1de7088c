"""`entp acquire`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from entp.errors import UsageError
from entp.progress import console

app = typer.Typer()
DEFAULT_PARAMS = Path("params.yaml")


@app.command()
def acquire(
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[key=value]...", help="Settings, such as `acquire.max_passages=100`."),
    ] = None,
    inputs: Annotated[
        list[Path] | None,
        typer.Option(
            "--input", "-i", help="File or folder of HTML, PDF, DOCX, EPUB or Markdown documents; may be repeated."
        ),
    ] = None,
    urls: Annotated[
        Path | None, typer.Option("--urls", help="File of web addresses, one a line.", show_default=False)
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Run folder.")] = Path("runs/entp"),
    params: Annotated[
        Path | None,
        typer.Option("--params", help="YAML configuration file; ./params.yaml by default.", show_default=False),
    ] = None,
) -> None:
    """Turn documents and web pages into instruction rows: passages, and the pairs that the model writes from them.

    The command writes OUTPUT/acquire/, and in it rows.jsonl, which `entp run` reads. Every row says where it comes
    from. A killed run goes on where it stopped.

    **Examples**

    `entp acquire --input handbooks/ --output runs/docs llm.endpoint=http://localhost:8000/v1 llm.model=my-model`

    `entp acquire --input pages/ --urls addresses.txt --output runs/docs acquire.styles=[]` (passages alone)

    `entp run --input runs/docs/acquire/rows.jsonl --output runs/docs`
    """
    from entp.acquire.acquire import NAME, ROWS, acquire
    from entp.acquire.addresses import read_addresses
    from entp.params import load

    if not inputs and urls is None:
        raise UsageError("nothing to acquire: name documents with --input, or a file of addresses with --urls")
    path = params or (DEFAULT_PARAMS if DEFAULT_PARAMS.is_file() else None)
    config = load(path, overrides or [])
    addresses = read_addresses(urls) if urls is not None else []
    summary = acquire(config, inputs or [], addresses, output / NAME)
    for name, value in summary.metrics.items():
        console.print(f"    {name:<36} {value:,.10g}", highlight=False)
    for note in summary.notes:
        console.print(f"    {note}", highlight=False)
    typer.echo(output / NAME / ROWS if summary.metrics["pairs"] else output / NAME / "passages")

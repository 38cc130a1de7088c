"""The command line. Thin: it parses, calls one function, prints. Heavy imports wait until a command needs them."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from entp import __version__
from entp.acquire import command as acquire_command
from entp.errors import EntpError, UsageError
from entp.export import command as export_command
from entp.platform import commands, pipelines_command, preflight_command, step_commands
from entp.stages import STAGES, Stage, stage_named

# PEFT, which transformers imports, imports it; on a CPU it then recommends, to nobody who asked, code from the Hub.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)

app = typer.Typer(
    name="entp",
    help="Purge the noise out of low-quality instruction data and mix what remains into richer samples.",
    epilog="Add --debug to any command to see the traceback of an error.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

Output = Annotated[Path, typer.Option("--output", "-o", help="Run folder; each stage writes into OUTPUT/STAGE/.")]
Params = Annotated[
    Path | None,
    typer.Option(
        "--params", help="YAML configuration file; ./params.yaml by default, where there is one.", show_default=False
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[key=value]...", help="Settings that override the configuration, such as `mix.max_pairs=8`."
    ),
]
Raw = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        "-i",
        metavar="PATH|ADDRESS",
        help="File or folder of raw instruction data, a dataset of a hub (hf://datasets/OWNER/NAME, or OWNER/NAME), or "
        "an address (s3://, gs://, https://); may be repeated.",
    ),
]
DEFAULT_PARAMS = Path("params.yaml")


@app.command()
def run(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH | key=value]...", help="Further input paths, and settings such as `mix.max_pairs=8`."
        ),
    ] = None,
    raw: Raw = None,
    output: Output = Path("runs/entp"),
    params: Params = None,
    first: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Start at this stage, and run it even if nothing has changed; earlier stages are taken as they stand.",
        ),
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Stop after this stage.")] = None,
) -> None:
    """Run all stages: raw files in; a fine-tuned, evaluated model out, promoted if it is better.

    Stages whose inputs, settings and code have not changed are skipped, and a killed run goes on where it stopped.

    **Examples**

    `entp run --input examples/pool --output runs/sample`

    `entp run --input pool.parquet --output runs/small rate.max_samples=400 mix.max_pairs=16`

    `entp run --input hf://datasets/OWNER/NAME@REVISION --input s3://BUCKET/pool --output runs/remote`

    `entp run -i pool.jsonl -o runs/big llm.endpoint=http://localhost:8000/v1 llm.model=Qwen3-8B`
    """
    from entp.shell import run_and_show

    more, overrides = _sort_arguments(arguments or [])
    run_and_show(_load(params, overrides), [*(raw or []), *more], output, first, until)


def _stage_command(stage: Stage) -> Callable[..., None]:
    """The command of one stage; the first takes raw paths, the others read their parents under OUTPUT."""
    from entp.config import Config

    def execute(config: Config, raw: list[str], output: Path) -> None:
        from entp.shell import run_one_and_show

        run_one_and_show(stage, config, raw, output)

    if stage.parents:

        def command(overrides: Overrides = None, output: Output = Path("runs/entp"), params: Params = None) -> None:
            execute(_load(params, overrides or []), [], output)

    else:

        def command(  # type: ignore[misc]
            overrides: Overrides = None,
            raw: Raw = None,
            output: Output = Path("runs/entp"),
            params: Params = None,
        ) -> None:
            execute(_load(params, overrides or []), raw or [], output)

    reads = f"the output of {', '.join(stage.parents)}" if stage.parents else "raw files"
    command.__doc__ = (
        f"{stage.title}. Reads {reads}.\n\n**Example**\n\n`entp {stage.name} "
        f"{'--output' if stage.parents else '--input examples/pool --output'} runs/sample`"
    )
    return command


def _purge_command(
    overrides: Overrides = None,
    output: Output = Path("runs/entp"),
    params: Params = None,
    fit_priors: Annotated[
        Path | None,
        typer.Option(
            "--fit-priors", metavar="FILE", help="Only learn the quantiles of the pool, and write them to FILE."
        ),
    ] = None,
) -> None:
    """Repair, reject by rule, deduplicate. Reads the output of ingest.

    **Examples**

    `entp purge --output runs/sample`

    `entp purge --output runs/big --fit-priors priors.json` (then `dvc add priors.json`); for every later pool:

    `entp purge --output runs/batch purge.priors=priors.json`
    """
    from entp import shell

    config = _load(params, overrides or [])
    if fit_priors:
        shell.fit_priors_and_show(config, output, fit_priors)
    else:
        shell.run_one_and_show(stage_named("purge"), config, [], output)


for _stage in STAGES:
    _command = _purge_command if _stage.name == "purge" else _stage_command(_stage)
    app.command(name=_stage.name, rich_help_panel="Stages, in order")(_command)


@app.command(name="plan")
def plan_command(
    overrides: Overrides = None,
    output: Output = Path("runs/entp"),
    pairs: Annotated[int, typer.Option("--pairs", help="Pairs in the pilot.", min=3)] = 20,
    params: Params = None,
) -> None:
    """Estimate what `mix` will take (calls, tokens, hours, money) from a pilot of a few pairs.

    The configured model fuses the pilot's pairs, and the run later finds the replies in the cache. The plan is kept in
    OUTPUT/plan.json, and the report compares it with what the run took.

    **Examples**

    `entp run --input examples/pool --output runs/sample --until pair`

    `entp plan --output runs/sample`

    `entp plan --output runs/big --pairs 100 mix.max_cost=50 llm.price_in=0.15 llm.price_out=0.6`
    """
    from entp.plan.command import plan_and_show

    plan_and_show(_load(params, overrides or []), output, pairs)


@app.command()
def explain(
    sample: Annotated[str, typer.Argument(metavar="ID", help="Id of the sample, or its first characters.")],
    output: Output = Path("runs/entp"),
) -> None:
    """Print everything that happened to one sample: verdicts, ratings, tier, fusion.

    The first characters of its ID are enough if they are unique.

    **Example**

    `entp explain 3f2a90 --output runs/sample`
    """
    from entp import lineage

    typer.echo(lineage.explain(output, sample))


@app.command()
def trace(
    pair: Annotated[str, typer.Argument(metavar="ID", help="Id of the pair or of one of its samples.")],
    output: Output = Path("runs/entp"),
) -> None:
    """Print the story of one pair, from its two parents to the outcome.

    ID is that of the pair or of one of its samples; its first characters are enough if they are unique.

    **Example**

    `entp trace 9b1c04 --output runs/sample`
    """
    from entp import lineage

    typer.echo(lineage.trace(output, pair))


@app.command()
def report(
    overrides: Overrides = None,
    output: Output = Path("runs/entp"),
    params: Params = None,
) -> None:
    """Write OUTPUT/report.html, summary.json and plots/ for the stages that have run so far, and log the run to MLflow.

    **Example**

    `entp report --output runs/sample`
    """
    from entp.shell import report_and_show

    report_and_show(_load(params, overrides or []), output)


@app.command()
def ablate(
    overrides: Overrides = None,
    variants: Annotated[str, typer.Option("--variants", help="Names, separated by commas; `all` for all of them.")] = (
        "no_instruction_cycle,no_answer_cycle,no_symbolic_loss,no_prompt_switching,random_pairs,one_shot,one_to_one"
    ),
    pairs: Annotated[int | None, typer.Option("--pairs", min=1, help="Budget: pairs for each variant.")] = None,
    calls: Annotated[int | None, typer.Option("--calls", min=1, help="Budget: requests for each variant.")] = None,
    output: Output = Path("runs/entp"),
    params: Params = None,
) -> None:
    """Compare `mix` with variants that lack one part of it, and with rival methods, on one curated pool at one budget.

    The command writes OUTPUT/ablate/ (a table, a plot, every variant's fusions) and logs the comparison to MLflow. It
    needs the stages up to `curate`. A killed comparison goes on where it stopped.

    **Examples**

    `entp ablate --pairs 100 --output runs/sample`

    `entp ablate --calls 2000 --variants one_shot,self_refine,self_instruct,evol_instruct --output runs/sample`
    """
    from entp.ablate.command import ablate as compare_variants
    from entp.ablate.variants import VARIANTS

    names = list(VARIANTS) if variants == "all" else [name.strip() for name in variants.split(",")]
    compare_variants(_load(params, overrides or []), names, pairs, calls, output)


@app.command()
def compare(
    overrides: Overrides = None,
    methods: Annotated[
        str | None, typer.Option("--methods", help="Names, separated by commas; `all` for all of them.")
    ] = None,
    seeds: Annotated[str, typer.Option("--seeds", help="Seeds, separated by commas.")] = "1,2,3",
    rows: Annotated[int, typer.Option("--rows", min=1, help="Budget: rows that each method trains on.")] = 200,
    held_out: Annotated[
        int, typer.Option("--held-out", min=1, help="Rows that no method may use; the loss is measured on them.")
    ] = 100,
    target: Annotated[
        list[Path] | None,
        typer.Option(
            "--target",
            exists=True,
            help="File of rows like those that the model is meant for; may be repeated.",
        ),
    ] = None,
    from_mlflow: Annotated[
        str | None,
        typer.Option("--from-mlflow", help="Id of the MLflow run of a comparison to draw again; nothing is run."),
    ] = None,
    output: Output = Path("runs/entp"),
    params: Params = None,
) -> None:
    """Compare ways to get training rows, selectors and purge-mix, with several seeds each and equally many rows.

    The command writes OUTPUT/compare/ (a page, a table, plots, every cell's items) and logs it to MLflow, with a nested
    run for each cell. It needs the stages up to `curate`, and for the method entp those up to `mix`. A killed
    comparison goes on where it stopped.

    **Examples**

    `entp compare --rows 300 --output runs/alpaca evaluate.limit=50`

    `entp compare --methods random,ifd,ds2,entp --seeds 1,2,3,4,5 --output runs/alpaca`

    `entp compare --methods random,dsir,less --target wanted.jsonl --output runs/alpaca`
    """
    from entp.compare.command import redraw, run_comparison
    from entp.compare.grid import Grid
    from entp.compare.methods import DEFAULT, chosen

    config = _load(params, overrides or [])
    if from_mlflow:
        redraw(config, from_mlflow, output)
        return
    names = chosen([name.strip() for name in methods.split(",")] if methods else DEFAULT)
    run_comparison(Grid(config, output, rows, held_out), names, _numbers(seeds), target or [])


@app.command()
def weigh_sources(
    overrides: Overrides = None,
    by: Annotated[str, typer.Option("--by", help="How to weigh: temperature, entropy or doremi.")] = "temperature",
    temperature: Annotated[
        float,
        typer.Option("--temperature", help="1 keeps the shares as they are; a higher value evens them out."),
    ] = 5.0,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Steps of the proxy's training (doremi).")] = 50,
    output: Output = Path("runs/entp"),
    params: Params = None,
) -> None:
    """Weigh the sources of a run's HQ samples, and print the setting that makes `assemble` use these weights.

    Sources are weighed by size (`temperature`), by how hard their words are to predict (`entropy`), or by how far a
    proxy model, `train.model`, lags behind on each (`doremi`). The command needs the stages up to `curate`.

    **Examples**

    `entp weigh-sources --by entropy --output runs/sample`

    `entp weigh-sources --by doremi --steps 200 --output runs/mine train.model=HuggingFaceTB/SmolLM2-360M`
    """
    from entp.sources.command import METHODS
    from entp.sources.command import weigh_sources as weigh

    if by not in METHODS:
        raise UsageError(f"--by {by}: the ways to weigh sources are {', '.join(METHODS)}")
    typer.echo(weigh(_load(params, overrides or []), output, by, temperature, steps))


@app.command()
def params(overrides: Overrides = None, params: Params = None) -> None:
    """Print every parameter with its value and meaning, in the form of `params.yaml`.

    **Example**

    `entp params > params.yaml`
    """
    from entp.params import as_yaml

    typer.echo(as_yaml(_load(params, overrides or [])), nl=False)


@app.command()
def dvc_stages() -> None:
    """Print `dvc.yaml`, made from the stages.

    **Example**

    `entp dvc-stages > dvc.yaml`
    """
    from entp.dvc_file import as_yaml

    typer.echo(as_yaml(), nl=False)


app.add_typer(acquire_command.app)
app.add_typer(export_command.app)
app.add_typer(commands.app, rich_help_panel="On a cluster")
app.add_typer(preflight_command.app, rich_help_panel="On a cluster")
app.add_typer(pipelines_command.app, rich_help_panel="On a cluster")
app.add_typer(step_commands.app, rich_help_panel="On a cluster")


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(f"entp {__version__}")
        raise typer.Exit


def _sort_arguments(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Split positional arguments into further inputs and `key=value` overrides."""
    inputs = [
        given for given in arguments if "=" not in given or "://" in given.partition("=")[0] or Path(given).exists()
    ]
    return inputs, [given for given in arguments if given not in inputs]


def _numbers(text: str) -> list[int]:
    try:
        return list(dict.fromkeys(int(number) for number in text.split(",")))
    except ValueError as error:
        raise UsageError(f"--seeds {text}: expected whole numbers with commas between them, such as 1,2,3") from error


def _load(params: Path | None, overrides: list[str]) -> Config:  # type: ignore[name-defined]  # noqa: F821
    from entp.params import load

    for override in overrides:
        if "=" not in override:
            raise UsageError(f"{override!r}: expected section.field=value, for example mix.max_pairs=8")
    path = params or (DEFAULT_PARAMS if DEFAULT_PARAMS.is_file() else None)
    return load(path, overrides)


def main() -> None:
    """Entry point: exit code 0, 2 (usage), 3 (data), 4 (environment), 130 (interrupted); tracebacks with --debug."""
    debug = "--debug" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    try:
        app(prog_name="entp")
    except EntpError as error:
        if debug:
            traceback.print_exc()
        typer.secho(f"error: {error}", fg="red", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.secho("interrupted; run the same command again to continue", fg="red", err=True)
        sys.exit(130)
    except Exception as error:
        if debug:
            raise
        name = type(error).__name__
        typer.secho(
            f"unexpected error ({name}): {error}\nRun again with --debug for the traceback.", fg="red", err=True
        )
        sys.exit(1)

"""`entp step ...`: what the containers of a Kubeflow pipeline run. Inputs and outputs are paths, given one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from entp.errors import UsageError
from entp.stages import STAGES, Stage, stage_named

if TYPE_CHECKING:
    from entp.config import Config
    from entp.loop import Outcome

app = typer.Typer(
    name="step",
    help="The steps of a Kubeflow pipeline (see docs/kubeflow.md). People run `entp run` instead.",
    no_args_is_help=True,
)

Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[key=value]...", help='E.g. `purge={"languages":["en"]}`.')
]
Parents = Annotated[list[str] | None, typer.Option("--parent", metavar="NAME=PATH", help="An input artifact.")]
Expected = Annotated[list[str] | None, typer.Option("--expect", metavar="NAME=DIGEST", help="Its content digest.")]
Output = Annotated[Path, typer.Option("--output", help="Where the output artifact goes.")]
Digest = Annotated[Path, typer.Option("--digest", help="File for the output's content digest.")]
SummaryFile = Annotated[Path, typer.Option("--summary", help="File for the summary, in Markdown.")]
MetricsFile = Annotated[Path, typer.Option("--metrics", help="File for the metrics, as JSON.")]
ExecutorInput = Annotated[str, typer.Option("--executor-input", help="Kubeflow's own description of this step (JSON).")]


def _stage_command(stage: Stage) -> Callable[..., None]:
    def command(
        output: Output,
        digest: Digest,
        summary: SummaryFile,
        metrics: MetricsFile,
        executor_input: ExecutorInput,
        overrides: Overrides = None,
        parent: Parents = None,
        expect: Expected = None,
    ) -> None:
        from entp.platform import step, tracking

        config = tracking.settings_for_step(_config(overrides))
        if not step.speaks_for_all():
            step.run_step(stage, config, _paths(parent), _pairs(expect), step.discarded(output))
            return
        outcome = step.run_step(stage, config, _paths(parent), _pairs(expect), output)
        _tell(config, outcome, output, digest, summary, metrics, executor_input)

    command.__doc__ = f"{stage.title} (reads {', '.join(stage.parents) or 'raw files'})."
    return command


def _tell(
    config: Config, outcome: Outcome, output: Path, digest: Path, summary: Path, metrics: Path, executor_input: str
) -> None:
    """What a stage has made, to the tracking server, to the next step, and to Kubeflow's user interface."""
    from entp.platform import step, tracking

    tracking.log_if_reachable(config, outcome, output)
    content = step.artifact_digest(output)
    measured = {**outcome.summary.metrics, "seconds": outcome.seconds}
    _write(digest, content)
    _write(summary, step.markdown(outcome))
    _write(metrics, json.dumps(measured))
    step.describe_artifacts(executor_input, {"metrics": measured, output.name: {"digest": content}})


for _stage in STAGES:
    if _stage.name != "gate":
        app.command(name=_stage.name)(_stage_command(_stage))


@app.command()
def gate(
    output: Output,
    digest: Digest,
    summary: SummaryFile,
    metrics: MetricsFile,
    verdict: Annotated[Path, typer.Option("--verdict", help="File for `promote` or `keep`.")],
    executor_input: ExecutorInput,
    overrides: Overrides = None,
    parent: Parents = None,
    expect: Expected = None,
) -> None:
    """Compare the model with the champion of the pipeline's MLflow server, and say `promote` or `keep`."""
    from entp.platform import step, tracking

    config = tracking.settings_for_step(_config(overrides))
    tracking.adopt_run(config)
    outcome = step.run_step(stage_named("gate"), config, _paths(parent), _pairs(expect), output)
    _tell(config, outcome, output, digest, summary, metrics, executor_input)
    _write(verdict, "promote" if outcome.summary.metrics["passed"] == 1.0 else "keep")


@app.command()
def train_on_nodes(
    output: Output,
    digest: Digest,
    summary: SummaryFile,
    metrics: MetricsFile,
    executor_input: ExecutorInput,
    work: Annotated[str, typer.Option("--work", help="What each node gets, as in pipelines/profiles.yaml (JSON).")],
    image: Annotated[str, typer.Option("--image", help="The nodes' image.")],
    namespace: Annotated[str, typer.Option(help="Where the job goes.", envvar="ENTP_NAMESPACE")] = "entp",
    overrides: Overrides = None,
    parent: Parents = None,
    expect: Expected = None,
) -> None:
    """Fine-tune the model in a TrainJob of several nodes, and wait for it."""
    from entp.platform import step, tracking
    from entp.platform.distributed import train_on_nodes
    from entp.platform.kubernetes_api import connect
    from entp.platform.profiles import Work

    config = tracking.settings_for_step(_config(overrides))
    parents = _paths(parent)
    for name, expected in _pairs(expect).items():
        step.check_digest(name, parents[name], expected)
    each = Work.model_validate_json(work)
    outcome = train_on_nodes(connect(None), config, parents, output, each, image, namespace)
    _tell(config, outcome, output, digest, summary, metrics, executor_input)


@app.command()
def fetch(
    output: Output,
    digest: Digest,
    executor_input: ExecutorInput,
    name: Annotated[str, typer.Option("--name", help="Name of the pool's file or folder.")] = "pool",
    md5: Annotated[str, typer.Option("--md5", help="DVC digest; the sample pool of the image when empty.")] = "",
) -> None:
    """Bring the raw pool: by its DVC digest from ENTP_DVC_REMOTE, or the sample pool."""
    import shutil

    from entp.platform import data_version, step

    if md5:
        data_version.pull(name, md5, output)
    else:
        shutil.copytree(_project() / "examples" / "pool", output, dirs_exist_ok=True)
    content = step.artifact_digest(output)
    _write(digest, content)
    step.describe_artifacts(executor_input, {output.name: {"digest": content}})


@app.command()
def push(
    pool: Annotated[Path, typer.Option("--pool", help="The raw pool.")],
    patch: Annotated[Path, typer.Option("--patch", help="File for the change of dvc.lock, as `git apply` takes it.")],
    executor_input: ExecutorInput,
    lock: Annotated[str, typer.Option("--lock", help="Text of the dvc.lock in Git; the image's when empty.")] = "",
    overrides: Overrides = None,
    parent: Parents = None,
) -> None:
    """Push the stages' datasets to ENTP_DVC_REMOTE and propose the new dvc.lock as a patch."""
    from entp.platform import data_version, step

    before = lock or (_project() / "dvc.lock").read_text()
    if data_version.has_remote():
        after = data_version.push_results(_config(overrides), _project(), before, pool, _paths(parent))
    else:
        after = before
        typer.echo(f"{data_version.REMOTE} is not set: the datasets stay in the pipeline's artifacts")
    _write(patch, data_version.lock_patch(before, after))
    step.describe_artifacts(executor_input, {})


@app.command()
def report(
    html: Annotated[Path, typer.Option("--html", help="File for the report.")],
    summary: SummaryFile,
    executor_input: ExecutorInput,
    overrides: Overrides = None,
    parent: Parents = None,
    ends_pipeline: Annotated[Literal["yes", "no"], typer.Option(help="Whether the pipeline ends well with it.")] = "no",
) -> None:
    """Check that every row is accounted for, write the report, and log everything to MLflow."""
    from entp.platform import step, tracking
    from entp.platform.report_step import run_report

    config = tracking.settings_for_step(_config(overrides))
    tracking.adopt_run(config)
    run_report(config, _paths(parent), html, summary)
    if ends_pipeline == "yes":
        tracking.mark_complete(config)
    step.describe_artifacts(executor_input, {})


@app.command()
def approve(
    decision: Annotated[Path, typer.Option("--decision", help="File for the answer.")],
    required: Annotated[Literal["yes", "no"], typer.Option(help="Whether a person must approve.")] = "no",
    hours: Annotated[float, typer.Option("--hours", min=0, help="How long to wait for an answer.")] = 72.0,
) -> None:
    """Wait until somebody sets the tag entp.approval of the MLflow run to `approved` or `rejected`."""
    from entp.platform import approval, tracking

    answer = approval.APPROVED
    if required == "yes":
        answer = approval.wait_for_approval(tracking.settings_for_step(_config(None)), hours)
    _write(decision, answer)
    typer.echo(answer)


@app.command()
def promote(
    train: Annotated[Path, typer.Option("--train", help="The trained model's artifact.")],
    evaluate: Annotated[Path, typer.Option("--evaluate", help="Its evaluation.")],
    gate: Annotated[Path, typer.Option("--gate", help="The gate's decision.")],
    answer: Annotated[str, typer.Option("--answer", help="What `approve` said.")],
    overrides: Overrides = None,
) -> None:
    """Move the champion alias to the model that the gate passed, if the answer is `approved`."""
    from entp.gate.stage import promote_held
    from entp.platform import approval, tracking

    if answer != approval.APPROVED:
        typer.echo(f"not promoted: {answer}")
        return
    config = tracking.settings_for_step(_config(overrides))
    tracking.mark_complete(config, False)
    version = promote_held(config, train, evaluate, gate)
    tracking.mark_complete(config)
    typer.echo(f"{config.gate.registered_model}@{config.gate.alias} is version {version}")


@app.command()
def grid(
    methods: Annotated[
        str, typer.Option("--methods", help='JSON: [{"name": "...", "settings": ["mix.max_pairs=8"]}].')
    ],
    seeds: Annotated[str, typer.Option("--seeds", help="JSON list of numbers.")],
    rows: Annotated[int, typer.Option("--rows", min=1, help="Rows that a selector takes.")],
    held_out: Annotated[int, typer.Option("--held-out", min=1, help="Rows kept from all selectors, for the loss.")],
    cells: Annotated[Path, typer.Option("--cells", help="File for the cells, as JSON.")],
) -> None:
    """Multiply methods by seeds, and open the MLflow run that the cells share."""
    from entp.platform import tracking
    from entp.platform.compare_steps import cells_of

    tracking.adopt_run(tracking.settings_for_step(_config(None)))
    _write(cells, json.dumps(cells_of(json.loads(methods), json.loads(seeds), rows, held_out)))


@app.command()
def cell(
    cell: Annotated[str, typer.Option("--cell", help="One of the cells that `grid` wrote (JSON).")],
    metrics: MetricsFile,
    results: Annotated[Path, typer.Option("--results", help="File for what it scored on every item, as Parquet.")],
    executor_input: ExecutorInput,
    overrides: Overrides = None,
    parent: Parents = None,
    expect: Expected = None,
) -> None:
    """Run one method with one seed from `pair` to `evaluate`, or on what a selector takes."""
    from entp.platform import step, tracking
    from entp.platform.compare_steps import run_cell

    asked = json.loads(cell)
    config = tracking.settings_for_step(_config([*(overrides or []), *asked["settings"], f"seed={asked['seed']}"]))
    parents = _paths(parent)
    for key, digest in _pairs(expect).items():
        step.check_digest(key, parents[key], digest)
    scored = run_cell(config, asked, parents, metrics)
    results.parent.mkdir(parents=True, exist_ok=True)
    scored.results.write_parquet(results)
    _write(metrics, json.dumps(scored.scores))
    step.describe_artifacts(executor_input, {"metrics": scored.scores})


@app.command()
def comparison(
    table: Annotated[Path, typer.Option("--table", help="File for the table, in Markdown.")],
    executor_input: ExecutorInput,
) -> None:
    """Set the cells of a comparison side by side."""
    import polars as pl

    from entp.platform import compare_steps, step, tracking
    from entp.track.run import open_run

    config = tracking.settings_for_step(_config(None))
    cells = step.collected(executor_input, "results")
    _write(table, compare_steps.table(pl.concat(map(pl.read_parquet, cells))))
    if tracking.adopt_run(config):
        with open_run(config, tracking.SCRATCH) as tracker:
            tracker.log_artifact(table)
        tracking.mark_complete(config)
    step.describe_artifacts(executor_input, {})


@app.command()
def finish() -> None:
    """End the pipeline's MLflow run, whatever became of the pipeline."""
    from entp.platform import tracking

    typer.echo(tracking.finish(tracking.settings_for_step(_config(None))))


def _config(overrides: list[str] | None) -> Config:
    """The defaults with the given sections: a step takes its configuration from its arguments alone."""
    from entp import params

    return params.load(None, overrides or [])


def _pairs(items: list[str] | None) -> dict[str, str]:
    pairs = {}
    for item in items or []:
        name, separator, value = item.partition("=")
        if not separator or not value:
            raise UsageError(f"{item!r}: expected NAME=VALUE")
        pairs[name] = value
    return pairs


def _paths(items: list[str] | None) -> dict[str, Path]:
    return {name: Path(value) for name, value in _pairs(items).items()}


def _project() -> Path:
    """The folder with dvc.yaml and examples/: the image's working directory. Raises UsageError anywhere else."""
    if not Path("dvc.yaml").is_file():
        raise UsageError(
            f"{Path.cwd()}: no dvc.yaml here; run the step in the project's folder (the image's is /opt/entp)"
        )
    return Path.cwd()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")

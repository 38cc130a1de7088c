"""`entp preflight`: a table of what a cluster lacks for a profile, and how to mend it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from entp.platform.preflight_checks import Finding

app = typer.Typer()
LEVELS = ("problem", "warning", "ok")
COLOURS = {"problem": "red", "warning": "yellow", "ok": "green"}
EXIT_PROBLEMS = 4


@app.command(rich_help_panel="On a cluster")
def preflight(
    profile: Annotated[str, typer.Option(help="What to run there: cpu, gpu or gpu-spot.")] = "cpu",
    namespace: Annotated[str, typer.Option(help="Namespace that the runs belong to.")] = "entp",
    context: Annotated[
        str | None,
        typer.Option(help="Context of the kubeconfig; in a pod its own account.", show_default=False),
    ] = None,
    kfp_host: Annotated[
        str | None, typer.Option(help="Address of the Kubeflow Pipelines API.", envvar="ENTP_KFP_HOST")
    ] = None,
    mlflow_uri: Annotated[str | None, typer.Option(help="Address of MLflow.", envvar="MLFLOW_TRACKING_URI")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON in place of the table.")] = False,
) -> None:
    """Check a cluster before anything is submitted; nothing is changed there.

    Exit code 0: nothing in the way (there may be warnings); 4: problems.

    **Examples**

    `entp preflight --profile gpu --kfp-host http://localhost:8888 --mlflow-uri http://localhost:5000`

    `entp preflight --profile cpu --context kind-entp --json`
    """
    from entp.platform.kubernetes_api import connect
    from entp.platform.needs import needs_of
    from entp.platform.preflight import check_cluster, check_kfp, check_mlflow
    from entp.platform.profiles import load_profile

    placed = load_profile(profile)
    client = connect(context)
    needs = needs_of(placed, namespace)
    findings = [*check_cluster(client, needs), check_kfp(kfp_host, namespace), check_mlflow(mlflow_uri)]
    findings.sort(key=lambda finding: LEVELS.index(finding.level))
    if as_json:
        outcome = "problems" if findings[0].level == "problem" else "ready"
        shown = [asdict(finding) for finding in findings]
        typer.echo(json.dumps({"command": "preflight", "outcome": outcome, "findings": shown}, indent=2))
    else:
        _show(findings)
    if findings[0].level == "problem":
        raise typer.Exit(EXIT_PROBLEMS)


def _show(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="preflight", title_justify="left")
    for column in ("", "what", "found", "remedy"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        level = f"[{COLOURS[finding.level]}]{finding.level}[/]"
        table.add_row(level, escape(finding.name), escape(finding.detail), escape(finding.remedy))
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    counts = {level: sum(finding.level == level for finding in findings) for level in LEVELS}
    console.print(f"{counts['problem']} problems, {counts['warning']} warnings, {counts['ok']} in order")

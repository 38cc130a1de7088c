"""Component of the stage `gate`."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Metrics, Model, Output, OutputPath

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def gate(
    trained: Input[Model],
    trained_digest: str,
    evaluated: Input[Dataset],
    evaluated_digest: str,
    gate: dict,
    decided: Output[Dataset],
    metrics: Output[Metrics],
    summary: Output[Markdown],
    digest: OutputPath(str),
    verdict: OutputPath(str),
):
    """Compare with the champion; `verdict` is `promote` or `keep`: see entp.gate."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "gate"],
        args=[
            "--parent", f"train={trained.path}", "--expect", f"train={trained_digest}",
            "--parent", f"evaluate={evaluated.path}", "--expect", f"evaluate={evaluated_digest}",
            "--output", decided.path, "--digest", digest, "--summary", summary.path, "--metrics", metrics.path,
            "--verdict", verdict,
            "--executor-input", EXECUTOR_INPUT,
            f"gate={gate}", "gate.hold=true",
        ],
    )  # fmt: skip

"""Component that waits for a person."""

from kfp import dsl
from kfp.dsl import OutputPath

from components.container import DEFAULT_IMAGE


@dsl.container_component
def approve(required: str, hours: float, decision: OutputPath(str)):
    """Wait for the tag entp.approval of the MLflow run, where `required` is `yes`: see entp.platform.approval."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "approve"],
        args=["--required", required, "--hours", hours, "--decision", decision],
    )

"""Component that sets the cells of a comparison side by side."""

from kfp import dsl
from kfp.dsl import Markdown, Output

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def comparison(cells: list, table: Output[Markdown]):
    """Mean and interval over seeds of every method and task, in Markdown and in MLflow: see entp.platform.cell."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "comparison"],
        args=["--cells", cells, "--table", table.path, "--executor-input", EXECUTOR_INPUT],
    )

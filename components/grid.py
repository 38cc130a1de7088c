"""Component that multiplies methods by seeds."""

from kfp import dsl
from kfp.dsl import OutputPath

from components.container import DEFAULT_IMAGE


@dsl.container_component
def grid(methods: list, seeds: list, rows: int, held_out: int, cells: OutputPath(list)):
    """The cells of a comparison, checked before anything is trained: see entp.platform.cell."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "grid"],
        args=[
            "--methods", methods, "--seeds", seeds, "--rows", rows, "--held-out", held_out, "--cells", cells,
        ],
    )  # fmt: skip

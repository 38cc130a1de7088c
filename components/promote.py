"""Component that makes the new model champion."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Model

from components.container import DEFAULT_IMAGE


@dsl.container_component
def promote(trained: Input[Model], evaluated: Input[Dataset], decided: Input[Dataset], gate: dict, answer: str):
    """Register the model and move the champion alias to it, where the answer is `approved`: see entp.gate."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "promote"],
        args=[
            "--train", trained.path, "--evaluate", evaluated.path, "--gate", decided.path,
            "--answer", answer, f"gate={gate}",
        ],
    )  # fmt: skip

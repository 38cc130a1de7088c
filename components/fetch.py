"""Component that brings the raw pool."""

from kfp import dsl
from kfp.dsl import Dataset, Output, OutputPath

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def fetch(pool_name: str, pool_md5: str, pool: Output[Dataset], digest: OutputPath(str)):
    """Pull the raw pool by its DVC digest, or take the sample pool of the image: see entp.platform.data_version."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "fetch"],
        args=[
            "--name", pool_name, "--md5", pool_md5, "--output", pool.path, "--digest", digest,
            "--executor-input", EXECUTOR_INPUT,
        ],
    )  # fmt: skip

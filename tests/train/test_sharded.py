"""Weights shared among processes (FSDP): two real processes, on a CPU that passes for two GPUs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from entp import store
from entp.config import Config, TrainConfig
from entp.train.stage import run
from tests.train import killing
from tests.train.tiny import publish_rows, save_tiny, tiny_model

#: The train stage in a process of torchrun. Accelerate shares weights among GPUs only, so one kind passes for another.
#: With a step to die at, the first process is switched off there, and the launcher ends the other.
PROCESS = f"""
{killing.SOURCE}
import sys
from pathlib import Path
from accelerate.state import AcceleratorState, DistributedType, PartialState
from entp.params import load
from entp.train.stage import run

begin = AcceleratorState.__init__
def begin_as_gpus(self, *args, **options):
    PartialState(cpu=True).distributed_type = DistributedType.MULTI_GPU
    begin(self, *args, **options)
AcceleratorState.__init__ = begin_as_gpus

folder, dies_at = Path(sys.argv[1]), int(sys.argv[2])
first = os.environ["RANK"] == "0"
if first:
    die_at(dies_at)
os.environ["ENTP_CACHE_DIR"] = str(folder / "cache")
published = folder / "train" if first else folder / "others" / "train"
run(load(folder / "params.yaml"), {{"assemble": folder / "assemble"}}, published)
"""


@pytest.mark.parametrize("method", ["lora", "full"])
def test_shared_weights_learn_what_whole_ones_do(tmp_path: Path, method: str):
    base = save_tiny(tmp_path / "tiny")
    tiny = {"batch_size": 2, "max_length": 256, "epochs": 2, "learning_rate": 0.01, "save_steps": 2}
    config = Config(train=TrainConfig.model_validate({"model": str(base), "method": method, "sharded": True, **tiny}))
    folder = tmp_path / "shared"
    publish_rows(folder, train=20, validation=4)
    (folder / "params.yaml").write_text(config.model_dump_json())
    (tmp_path / "process.py").write_text(PROCESS)

    assert torchrun(tmp_path / "process.py", folder, dies_at=5).returncode
    [checkpoint] = (folder / "cache" / "train").glob("*/checkpoint-4")
    assert list(checkpoint.glob("pytorch_model_fsdp_*/*.distcp"))
    went_on = torchrun(tmp_path / "process.py", folder, dies_at=0)
    assert went_on.returncode == 0, went_on.stderr.decode()[-3000:]

    alone = config.model_copy(update={"train": config.train.model_copy(update={"sharded": False})})
    run(alone, publish_rows(tmp_path / "alone", train=20, validation=4), tmp_path / "alone" / "train")
    summaries = [store.read_summary(tmp_path / name / "train") for name in ("shared", "alone")]
    assert summaries[0].notes == ("went on from the checkpoint of step 4",)
    for metric in ("loss_last", "validation_loss_after", "trainable_parameters"):
        assert summaries[0].metrics[metric] == pytest.approx(summaries[1].metrics[metric], rel=0.02)
    published = load_file(folder / "train" / "model" / "model.safetensors")
    whole = load_file(tmp_path / "alone" / "train" / "model" / "model.safetensors")
    assert {name: part.shape for name, part in published.items()} == {name: part.shape for name, part in whole.items()}
    moved = published["model.norm.weight"] - tiny_model().model.norm.weight
    assert bool(moved.abs().max() > 0) is (method == "full")


def torchrun(script: Path, folder: Path, dies_at: int) -> subprocess.CompletedProcess[bytes]:
    launcher = Path(sys.executable).parent / "torchrun"
    command = [str(launcher), "--nproc-per-node", "2", str(script), str(folder), str(dies_at)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=300)

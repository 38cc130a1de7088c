"""Only a checkpoint that was written to its end is resumed from."""

from __future__ import annotations

import json
from pathlib import Path

from entp.train.sft import last_complete


def write(folder: Path, step: int, state: str | None) -> Path:
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    (checkpoint / "adapter_model.safetensors").touch()
    if state is not None:
        (checkpoint / "trainer_state.json").write_text(state)
    return checkpoint


def test_the_latest_whole_checkpoint_is_taken_by_number(tmp_path: Path):
    for step in (9, 10, 100):
        write(tmp_path, step, json.dumps({"global_step": step}))
    assert last_complete(tmp_path) == tmp_path / "checkpoint-100"


def test_half_written_checkpoints_are_passed_over_and_removed(tmp_path: Path):
    whole = write(tmp_path, 2, json.dumps({"global_step": 2}))
    write(tmp_path, 4, None)
    write(tmp_path, 6, '{"global_step": 6, "log_his')
    assert last_complete(tmp_path) == whole
    assert list(tmp_path.iterdir()) == [whole]


def test_no_folder_means_a_fresh_start(tmp_path: Path):
    assert last_complete(tmp_path / "absent") is None

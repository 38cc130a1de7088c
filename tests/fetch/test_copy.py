"""Inputs that lie elsewhere are copied whole, or the message names the input and the remedy."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import fsspec
import fsspec.config
import pytest

from entp import params, store
from entp.errors import DataError, SetupError, UsageError
from entp.fetch import copy
from entp.fetch.copy import local_copies
from entp.fetch.origin import origin_of
from entp.ingest.stage import run
from entp.stages import identity
from tests.fetch.servers import REVISION, TOKEN, GoogleStorage, Web, a_hub, serving


def rows(count: int, about: str = "tea") -> bytes:
    return b"".join(
        json.dumps({"instruction": f"Say {number} of {about}.", "output": f"{about} {number} it is."}).encode() + b"\n"
        for number in range(count)
    )


@pytest.fixture
def hub(monkeypatch):
    """Opens a hub that the environment names."""
    monkeypatch.delenv("HF_TOKEN", raising=False)

    def opened(files, **options):
        return _named(a_hub(files, **options), monkeypatch)

    return opened


class _named:  # noqa: N801
    def __init__(self, opening, monkeypatch):
        self.opening, self.monkeypatch = opening, monkeypatch

    def __enter__(self):
        site = self.opening.__enter__()
        self.monkeypatch.setenv("HF_ENDPOINT", site.url)
        return site

    def __exit__(self, *error):
        return self.opening.__exit__(*error)


def names(path: Path) -> list[str]:
    return sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())


def test_a_local_path_stays_one(tmp_path):
    assert local_copies([str(tmp_path / "a.jsonl"), "examples/pool"], tmp_path) == [
        tmp_path / "a.jsonl",
        Path("examples/pool"),
    ]


@pytest.mark.parametrize("name", ["hf://datasets/someone/pool", "hf://datasets/someone/pool@main", "someone/pool"])
def test_a_dataset_of_a_hub_is_copied_at_its_revision(hub, tmp_path, name):
    files = {"README.md": b"# Pool", "data/train.jsonl": rows(3), "data/more/train.csv": b"question,answer\nWhy?,So.\n"}
    with hub(files):
        (path,) = local_copies([name], tmp_path)
    assert names(path) == ["data/more/train.csv", "data/train.jsonl"]
    assert (path / "data/train.jsonl").read_bytes() == files["data/train.jsonl"]
    assert origin_of(path).version == REVISION


def test_another_split_than_train_is_read_only_where_it_is_named(hub, tmp_path, capsys):
    files = {"data/train-0.jsonl": rows(2), "data/test-0.jsonl": rows(2, "salt"), "data/val.jsonl": rows(1)}
    with hub(files):
        (path,) = local_copies(["someone/pool"], tmp_path)
        assert names(path) == ["data/train-0.jsonl"]
        assert "the split train is read, not test, validation" in " ".join(capsys.readouterr().err.split())
        (path,) = local_copies(["hf://datasets/someone/pool/test"], tmp_path)
        assert names(path) == ["data/test-0.jsonl"]
        with pytest.raises(UsageError, match=r"it has no 'tset'; did you mean 'test'"):
            local_copies(["hf://datasets/someone/pool/tset"], tmp_path)


CONFIGS = [
    {
        "config_name": "en",
        "data_files": [{"split": "train", "path": "en/*.jsonl"}, {"split": "dev", "path": "x/en.csv"}],
    },
    {"config_name": "zh", "data_files": "zh/**/*.jsonl"},
]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("en", ["en/a.jsonl"]),
        ("en/train", ["en/a.jsonl"]),
        ("en/dev", ["x/en.csv"]),
        ("zh", ["zh/deep/a.jsonl"]),
        ("x/en.csv", ["x/en.csv"]),
    ],
)
def test_configurations_are_those_of_the_card(hub, tmp_path, path, expected):
    files = {"en/a.jsonl": rows(1), "x/en.csv": b"question,answer\nWhy?,So.\n", "zh/deep/a.jsonl": rows(1, "cha")}
    with hub(files, configs=CONFIGS):
        (copied,) = local_copies([f"hf://datasets/someone/pool/{path}"], tmp_path)
        assert names(copied) == expected
        with pytest.raises(UsageError, match="which configuration\\? en, zh"):
            local_copies(["someone/pool"], tmp_path)


def test_the_token_comes_from_the_environment_and_stays_with_the_hub(hub, tmp_path, monkeypatch):
    with hub({"train.jsonl": rows(5)}, private=True) as site:
        with pytest.raises(SetupError, match=r"someone/pool: refused \(401\).*HF_TOKEN"):
            local_copies(["someone/pool"], tmp_path)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        local_copies(["someone/pool"], tmp_path)
        assert site.store.asked
        for _, headers in site.store.asked:
            assert TOKEN not in json.dumps(headers)
    assert TOKEN not in "".join(file.read_text() for file in tmp_path.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("someone/other", "someone/other: nothing is there, on the hub or as a path here"),
        ("hf://datasets/someone/pool@nowhere", "nothing is there"),
        ("hf://someone/pool", "expected hf://datasets/OWNER/NAME"),
        ("ftp://host/a.jsonl", "ftp:// cannot be read from; inputs are paths, hf://"),
        ("http://example.org/a.jsonl", "http:// cannot be read from"),
        ("https://me:secret@example.org/a.jsonl", "ends up in logs"),
    ],
)
def test_what_is_not_there_is_named(hub, tmp_path, name, message):
    with hub({"train.jsonl": rows(1)}), pytest.raises(UsageError, match=message) as failure:
        local_copies([name], tmp_path)
    assert "secret" not in str(failure.value)


def test_a_misspelt_path_is_no_hub_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    assert local_copies(["data/pol"], tmp_path) == [Path("data/pol")]


def test_a_hub_that_is_away_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(SetupError, match="someone/pool: cannot be reached"):
        local_copies(["someone/pool"], tmp_path)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_of_the_web_that_breaks_off_is_gone_on_with(tmp_path, monkeypatch, ranges):
    monkeypatch.setattr(copy, "CHUNK", 1000)
    monkeypatch.setattr(copy, "LONGEST_WAIT", 0.01)
    content = rows(100)
    site = Web({"/a b.jsonl": content}, ranges=ranges, breaks=3)
    with serving(site) as url:
        (path,) = local_copies([f"{url}/a%20b.jsonl?signature=secret"], tmp_path)
    assert (path / "a b.jsonl").read_bytes() == content
    assert "secret" not in (path.parent / "entp_origin.json").read_text()


def test_a_google_bucket_is_read_from_its_json_interface(tmp_path, monkeypatch):
    files = {"pool/a.jsonl": rows(30), "pool/deep/b.csv": b"question,answer\nWhy?,So.\n", "other/c.jsonl": rows(1)}
    storage = GoogleStorage("our-bucket", files)
    with serving(storage) as url:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        monkeypatch.setenv("FSSPEC_GS", '{"token": "anon"}')
        fsspec.config.set_conf_env(fsspec.config.conf)
        monkeypatch.setattr(copy, "CHUNK", 1000)
        (path,) = local_copies(["gs://our-bucket/pool"], tmp_path)
        with pytest.raises(UsageError, match="gs://our-bucket/nowhere: nothing is there"):
            local_copies(["gs://our-bucket/nowhere"], tmp_path)
    fsspec.config.conf.pop("gs")
    assert names(path) == ["a.jsonl", "deep/b.csv"]
    assert (path / "a.jsonl").read_bytes() == files["pool/a.jsonl"]


def test_a_copy_that_was_stopped_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(copy, "CHUNK", 1000)
    monkeypatch.setattr(copy, "ATTEMPTS", 1)
    content = rows(100)
    site = Web({"/a.jsonl": content})
    with serving(site) as url:
        real = Web.reply

        def stopping(self, path, handler):
            if handler.headers.get("Range", "").startswith("bytes=3000-"):
                self.breaks = 1
            real(self, path, handler)

        monkeypatch.setattr(Web, "reply", stopping)
        with pytest.raises(SetupError, match=r"a\.jsonl broke off .*run the same command again"):
            local_copies([f"{url}/a.jsonl"], tmp_path)
        monkeypatch.setattr(Web, "reply", real)
        site.asked.clear()
        (path,) = local_copies([f"{url}/a.jsonl"], tmp_path)
    assert (path / "a.jsonl").read_bytes() == content
    starts = [int(headers["Range"][6:].partition("-")[0]) for _, headers in site.asked if "Range" in headers]
    assert min(starts) >= 3000


def test_what_changes_while_it_is_copied_is_refused(tmp_path, monkeypatch):
    site = Web({"/a.jsonl": rows(10)})
    real = Web.reply

    def changing(self, path, handler):
        real(self, path, handler)
        if handler.command == "GET" and handler.headers.get("Range"):
            self.files[path] = rows(10, "ink")

    monkeypatch.setattr(Web, "reply", changing)
    with serving(site) as url, pytest.raises(DataError, match="changed while it was copied"):
        local_copies([f"{url}/a.jsonl"], tmp_path)


def test_another_version_is_another_input(tmp_path):
    site = Web({"/a.jsonl": rows(10)})
    config = params.load()
    with serving(site) as url:
        digests = []
        for about in ("tea", "tea", "ink"):
            site.files["/a.jsonl"] = rows(10, about)
            (path,) = local_copies([f"{url}/a.jsonl"], tmp_path)
            digests.append(identity("ingest", config, {"input_000": path}))
        assert digests[0] == digests[1] != digests[2]
        run(config, {"input_000": path}, tmp_path / "ingest")
    manifest = store.read_manifest(tmp_path / "ingest")
    assert manifest["parents"]["input_000"].startswith(f"{url}/a.jsonl@")


def test_a_name_that_leads_outside_is_not_followed(hub, tmp_path):
    files = {"../../../train.jsonl": rows(1), "a/../../../../b.jsonl": rows(1), "c.jsonl": rows(1)}
    with hub(files):
        (path,) = local_copies(["someone/pool"], tmp_path / "cache")
    assert names(path) == ["c.jsonl"]
    assert [file.name for file in tmp_path.rglob("*.jsonl")] == ["c.jsonl"]


def test_a_disk_without_room_is_told_before_anything_comes(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(copy.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with hub({"train.jsonl": rows(100)}), pytest.raises(SetupError, match="has room for 0 MiB; set ENTP_CACHE_DIR"):
        local_copies(["someone/pool"], tmp_path)


def test_the_first_failure_is_told_at_once_and_the_other_copies_stop(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(copy, "CHUNK", 1000)
    monkeypatch.setattr(copy, "ATTEMPTS", 1)
    files = {f"part-{number}.jsonl": rows(400) for number in range(12)}
    with hub(files) as site:
        real = site.store.reply

        def reply(path, handler):
            if path == "/part-0.jsonl":
                handler.send_error(404)
            else:
                real(path, handler)

        site.store.reply = reply
        with pytest.raises(SetupError, match=r"part-0\.jsonl broke off"):
            local_copies(["someone/pool"], tmp_path)
        assert len({path for path, _ in site.store.asked}) < len(files)
        site.store.reply = real
        (path,) = local_copies(["someone/pool"], tmp_path)
    assert all((path / name).read_bytes() == content for name, content in files.items())

"""`entp run` on a real S3 server and a hub: killed while it copies, it goes on, and reads what lies there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import fsspec
import pytest

from entp import store
from entp.fetch.copy import CHUNK
from tests.fetch.servers import a_hub
from tests.platform.s3_server import BUCKET, s3_server

LONG = 20_000


def rows(count: int, about: str, length: int = 10) -> bytes:
    def row(number: int) -> bytes:
        text = f"{about} {number} " + "and so on " * (length // 10)
        return json.dumps({"instruction": f"Say {number} of {about}.", "output": text}).encode() + b"\n"

    return b"".join(row(number) for number in range(count))


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("s3")) as variables, pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield fsspec.filesystem("s3", skip_instance_cache=True)


def command(tmp_path: Path, *inputs: str) -> list[str]:
    given = [word for name in inputs for word in ("--input", name)]
    entp = str(Path(sys.executable).with_name("entp"))
    return [entp, "run", *given, "--output", str(tmp_path / "run"), "--until", "ingest", "track.uri=none"]


def test_a_run_that_is_killed_while_it_copies_goes_on(s3, tmp_path, monkeypatch):
    files = {
        "part-00000.jsonl": rows(30, "salt"),
        "deep/source=forum/part-1.json": rows(20, "ink"),
        "_SUCCESS": b"",
        ".part-00000.jsonl.crc": b"crc",
        "part-00001.jsonl": b"",
    }
    for name, content in files.items():
        s3.pipe_file(f"{BUCKET}/pool/{name}", content)
    stalled, released = threading.Event(), threading.Event()
    with a_hub({"train.jsonl": rows(3 * CHUNK // LONG, "tea", LONG)}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        real = hub.store.reply

        def stalling(path, handler):
            if handler.headers.get("Range", "").startswith(f"bytes={CHUNK}-"):
                stalled.set()
                released.wait(60)
            real(path, handler)

        hub.store.reply = stalling
        words = command(tmp_path, f"s3://{BUCKET}/pool", "hf://datasets/someone/pool")
        process = subprocess.Popen(words, env=os.environ, stderr=subprocess.PIPE, text=True)
        assert stalled.wait(60), process.communicate()[1]
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        released.set()
        time.sleep(0.2)
        hub.store.asked.clear()
        again = subprocess.run(words, env=os.environ, capture_output=True, text=True, timeout=120)
        assert again.returncode == 0, again.stderr
        ranges = [headers["Range"] for _, headers in hub.store.asked if "Range" in headers]
    assert all(int(span[6:].partition("-")[0]) >= CHUNK for span in ranges)
    samples = store.read(tmp_path / "run" / "ingest", "samples")
    assert samples.height == 50 + 3 * CHUNK // LONG
    assert samples["source"].value_counts(sort=True).rows()[1:] == [("pool", 30), ("forum", 20)]


@pytest.mark.usefixtures("s3")
def test_a_bucket_without_such_a_folder_is_named(tmp_path):
    done = subprocess.run(
        command(tmp_path, f"s3://{BUCKET}/nowhere"), env=os.environ, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert f"s3://{BUCKET}/nowhere: nothing is there" in done.stderr


def test_an_archive_in_a_bucket_is_refused_before_it_is_copied(s3, tmp_path):
    s3.pipe_file(f"{BUCKET}/web/shard-0000.tar", b"not read")
    done = subprocess.run(
        command(tmp_path, f"s3://{BUCKET}/web"), env=os.environ, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert "WebDataset-style" in done.stderr

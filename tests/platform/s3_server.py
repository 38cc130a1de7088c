"""A real S3 server in one process (SeaweedFS), for tests."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 60.0
BUCKET = "entp"


@contextmanager
def s3_server(folder: Path) -> Iterator[dict[str, str]]:
    """Serve S3 out of `folder`; yields what a client's environment needs."""
    ports = [free_port() for _ in range(4)]
    volume, master, filer, s3 = (str(port) for port in ports)
    command = [
        str(Path(sys.executable).parent / "weed"),
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
    ]
    command += [f"-volume.port={volume}", f"-master.port={master}", f"-filer.port={filer}", "-s3", f"-s3.port={s3}"]
    # Two more services have fixed ports, which a second server would want too.
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.max=10", "-master.volumeSizeLimitMB=256"]
    folder.mkdir(exist_ok=True)
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        endpoint = f"http://127.0.0.1:{s3}"
        _create_bucket(endpoint, process)
        yield {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": "us-east-1",
            "ENTP_DVC_REMOTE": f"s3://{BUCKET}/dvc",
        }
    finally:
        process.kill()  # nothing of it is kept, and it ends slowly
        process.wait(timeout=30)


def free_port() -> int:
    """A port nobody listens on; SeaweedFS takes port + 10,000 too, so it must be a low one."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = 20_000 + probe.getsockname()[1] % 20_000
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) and probe.connect_ex(("127.0.0.1", port + 10_000)):
                return port


def _create_bucket(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            request = urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT")
            urllib.request.urlopen(request, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, "the S3 server stopped"
            assert time.monotonic() < deadline, "the S3 server did not start"
            time.sleep(0.3)

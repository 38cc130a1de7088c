"""A real kube-apiserver and etcd, from the folder that KUBEBUILDER_ASSETS names; no controllers run."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from entp.errors import SetupError
from entp.platform import kubernetes_api
from tests.platform.kubernetes_server import client_of, write_kubeconfig

TOKEN = "a-token"


def missing() -> str | None:
    """Why it can't be started here."""
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    if not folder:
        return "KUBEBUILDER_ASSETS is not set"
    lacking = [name for name in ("etcd", "kube-apiserver") if not (Path(folder) / name).is_file()]
    if lacking:
        return f"KUBEBUILDER_ASSETS={folder} has no {', '.join(lacking)}"
    return None if os.environ.get("ENTP_TEST_CRDS") else "ENTP_TEST_CRDS is not set: no CRDs to install"


@contextmanager
def control_plane(folder: Path) -> Iterator[Path]:
    """Start both, install the CRDs, create the namespace `entp`; yields a kubeconfig."""
    assets = Path(os.environ["KUBEBUILDER_ASSETS"])
    etcd, peers, secure = (_free_port() for _ in range(3))
    key, tokens = folder / "accounts.key", folder / "tokens.csv"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    tokens.write_text(f"{TOKEN},admin,admin,system:masters\n")
    commands = (
        [
            str(assets / "etcd"),
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls=http://127.0.0.1:{etcd}",
            f"--advertise-client-urls=http://127.0.0.1:{etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{peers}",
            "--unsafe-no-fsync",
        ],
        [
            str(assets / "kube-apiserver"),
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={secure}",
            f"--cert-dir={folder / 'certificates'}",
            "--authorization-mode=RBAC",
            f"--token-auth-file={tokens}",
            "--service-account-issuer=https://localhost",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--disable-admission-plugins=ServiceAccount",
        ],
    )
    log = (folder / "control-plane.log").open("wb")
    processes = [subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) for command in commands]
    try:
        kubeconfig = write_kubeconfig(folder / "kubeconfig", f"https://127.0.0.1:{secure}", TOKEN)
        _prepare(kubeconfig, processes, folder / "control-plane.log")
        yield kubeconfig
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(30)
        log.close()


def _prepare(kubeconfig: Path, processes: list[subprocess.Popen[bytes]], log: Path) -> None:
    client = client_of(kubeconfig)
    end = time.monotonic() + 120
    while True:
        assert all(process.poll() is None for process in processes), log.read_text()[-2000:]
        try:
            kubernetes_api.get(client, "/api/v1/namespaces/default")
            break
        except SetupError:
            assert time.monotonic() < end, log.read_text()[-2000:]
            time.sleep(0.5)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "entp"}}
    kubernetes_api.create(client, "/api/v1/namespaces", namespace)
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    definition = Path(os.environ["ENTP_TEST_CRDS"]) / "trainer.kubeflow.org_trainjobs.yaml"
    resource = next(filter(None, yaml.safe_load_all(definition.read_text())))
    kubernetes_api.create(client, path, resource)
    while "True" not in _established(kubernetes_api.get(client, f"{path}/{resource['metadata']['name']}")):
        assert time.monotonic() < end, "the CRD is not established"
        time.sleep(0.2)


def _established(definition: dict) -> list[str]:
    conditions = definition.get("status", {}).get("conditions", [])
    return [condition["status"] for condition in conditions if condition["type"] == "Established"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

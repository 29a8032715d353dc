"""Flux's kustomize-controller, which our agent is measured beside: from a new artifact until all of it is applied.

Its source-controller, which would fetch from Git and pack the artifact, is not run: this file does so, and does not
count what that takes. The custom resources are there with their names alone, and take whatever is in them.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.kubernetes import change, create, read
from benchmarks.objects import NAMESPACE
from benchmarks.running import Command, Failed
from orchestrator.processes import Stop
from orchestrator.sandbox import Sandbox
from orchestrator.sandbox.programs.build import Program, built
from orchestrator.settings import Settings

CONTROLLER = Program(
    name="kustomize-controller",
    title="Flux's kustomize-controller 1.9.5",
    sources=Path(__file__).with_name("golang") / "kustomize-controller",
    package="github.com/fluxcd/kustomize-controller",
)

_SOURCES, _KUSTOMIZE = "source.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io"
_KINDS = (
    (_SOURCES, "GitRepository", "gitrepositories"),
    (_SOURCES, "OCIRepository", "ocirepositories"),
    (_SOURCES, "Bucket", "buckets"),
    (_SOURCES, "ExternalArtifact", "externalartifacts"),
    (_KUSTOMIZE, "Kustomization", "kustomizations"),
)
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_REPOSITORIES = f"/apis/{_SOURCES}/v1/namespaces/default/gitrepositories"
_KUSTOMIZATIONS = f"/apis/{_KUSTOMIZE}/v1/namespaces/default/kustomizations"
_NAME = "bench"
_LOOK_SECONDS = 0.02
_PATIENCE_SECONDS = 300.0


def find_controller(settings: Settings) -> Path:
    """Return the controller that is pinned here, built first when that was not done; raises SandboxError."""
    return built(CONTROLLER, settings, on_progress=_tell, stop=Stop())


@dataclass(frozen=True, slots=True, kw_only=True)
class Flux:
    """A controller that runs, and keeps the objects of a directory."""

    objects: Path
    artifacts: Path
    kubeconfig: Path
    port: int
    process: subprocess.Popen[bytes]

    def bring(self, number: int) -> float:
        """Have what the directory holds now applied, and return how many seconds that took; raises Failed."""
        file = self.artifacts / f"{number}.tar.gz"
        with tarfile.open(file, "w:gz") as archive:
            archive.add(self.objects, "objects")
        revision = f"main@sha1:{number:040x}"
        artifact = {
            "path": file.name,
            "url": f"http://127.0.0.1:{self.port}/{file.name}",
            "revision": revision,
            "digest": f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}",
            "lastUpdateTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "size": file.stat().st_size,
        }
        began = time.monotonic()
        status = {"artifact": artifact, "observedGeneration": 1}
        change(self.kubeconfig, f"{_REPOSITORIES}/{_NAME}/status", {"status": status})
        while (self._status().get("lastAppliedRevision")) != revision:
            late = time.monotonic() - began > _PATIENCE_SECONDS
            if late or self.process.poll() is not None:
                message = f"the controller did not apply {file.name}: {self._status()}"
                raise Failed(message)
            time.sleep(_LOOK_SECONDS)
        return time.monotonic() - began

    def _status(self) -> dict[str, Any]:
        found: dict[str, Any] = read(self.kubeconfig, f"{_KUSTOMIZATIONS}/{_NAME}")
        return found.get("status") or {}


@contextmanager
def keeping(objects: Path, directory: Path, sandbox: Sandbox, controller: Path) -> Iterator[Flux]:
    """Have the controller keep the objects of a directory in a sandbox while the block lasts."""
    artifacts = directory / "artifacts"
    artifacts.mkdir(parents=True)
    _define(sandbox.kubeconfig)
    with _served(artifacts) as port, _running(controller, directory, sandbox) as process:
        yield Flux(
            objects=objects,
            artifacts=artifacts,
            kubeconfig=sandbox.kubeconfig,
            port=port,
            process=process,
        )


def _define(kubeconfig: Path) -> None:
    for group, kind, plural in _KINDS:
        create(kubeconfig, _DEFINITIONS, _definition(group, kind, plural))
    _await_definitions(kubeconfig)
    spec = {"interval": "1h", "url": "https://example.com/bench.git"}
    create(kubeconfig, _REPOSITORIES, _object(_SOURCES, "GitRepository", spec))
    source = {"kind": "GitRepository", "name": _NAME}
    kept = {
        "interval": "1h",
        "path": "./objects",
        "targetNamespace": NAMESPACE,
        "prune": True,
        "wait": True,  # ours waits, too
        "timeout": "5m",
        "sourceRef": source,
    }
    create(kubeconfig, _KUSTOMIZATIONS, _object(_KUSTOMIZE, "Kustomization", kept))


def _await_definitions(kubeconfig: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            for group, _, plural in _KINDS:
                read(kubeconfig, f"/apis/{group}/v1/{plural}")
        except Failed:
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_SECONDS)
        else:
            return


def _definition(group: str, kind: str, plural: str) -> dict[str, Any]:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "properties": {"spec": anything, "status": anything},
            }
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [version],
        },
    }


def _object(group: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": f"{group}/v1",
        "kind": kind,
        "metadata": {"name": _NAME, "namespace": "default"},
        "spec": spec,
    }


@contextmanager
def _served(directory: Path) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of what is asked."""


@contextmanager
def _running(
    controller: Path, directory: Path, sandbox: Sandbox
) -> Iterator[subprocess.Popen[bytes]]:
    argv = (str(controller), "--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:0")
    variables = {"KUBECONFIG": str(sandbox.kubeconfig), "RUNTIME_NAMESPACE": "default"}
    command = Command(argv=argv, directory=directory, variables=variables)
    with (directory / "controller.log").open("wb") as log:
        process = subprocess.Popen(
            argv, cwd=directory, env=command.environment, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _tell(text: str) -> None:
    sys.stderr.write(f"  {text}\n")

"""A control plane that is really in trouble: its servers restart, its webhooks do not answer."""

import base64
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.plans.events import ChangeDone, Event, UnitProgress
from orchestrator.processes import Command, start_daemon
from orchestrator.settings import Settings
from orchestrator.stack.model import Wait
from orchestrator.workloads.applying.execution import apply_set
from orchestrator.workloads.cluster.answers import Busy
from tests.certificates import context, pair
from tests.workloads.builders import CONFIG, DEPLOYMENT
from tests.workloads.cluster.test_silent_api import control_plane
from tests.workloads.ground import Ground
from tests.workloads.servers.listening import Asked
from tests.workloads.servers.loopback import Say, serving

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

MANY = "---".join(CONFIG.replace("settings", f"settings-{number}") for number in range(150))
SLOW = DEPLOYMENT.replace(
    "labels: {app: web}}", "labels: {app: web}, annotations: {sandbox.orchestrator/delay: 4s}}"
)


_API, _ETCD = "cert-dir", "data-dir"  # the flag by which a server of a sandbox is known


class Server:
    """A server of one sandbox, which can be killed and started again as it was."""

    def __init__(self, directory: Path, flag: str) -> None:
        """Find it by the flag that names a directory of the sandbox."""
        mark = f"--{flag}={directory.resolve()}"
        (entry,) = [
            entry
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and any(part.startswith(mark) for part in _argv(entry))
        ]
        self._pid = int(entry.name)
        self._command = Command(
            argv=_argv(entry), directory=directory, environment=Settings.read().environment
        )
        self._log = directory / "restarted.log"

    def restart(self, done: threading.Event) -> None:
        """Kill it, and start it again; the sandbox ends it like the one before.

        It ends at once while a connection of somebody else happens to have its port, and is started until ``done``.
        """
        os.kill(self._pid, signal.SIGKILL)
        daemon = start_daemon(self._command, log=self._log)
        while not done.wait(0.1):
            if daemon.exit_code is not None:
                daemon = start_daemon(self._command, log=self._log)


def _argv(entry: Path) -> tuple[str, ...]:
    try:
        return tuple((entry / "cmdline").read_bytes().decode().split("\0")[:-1])
    except OSError:
        return ()


@contextmanager
def restarted_when(
    ground: Ground, flag: str, moment: Callable[[Event], bool]
) -> Iterator[list[Event]]:
    """Restart a server as soon as something is told; return all that was told."""
    server = Server(ground.directory / "sandbox", flag)
    events: list[Event] = []
    started, done = threading.Event(), threading.Event()
    restarting = threading.Thread(target=server.restart, args=(done,))

    def tell(event: Event) -> None:
        events.append(event)
        if moment(event) and not started.is_set():
            started.set()
            restarting.start()

    former, ground.events = ground.events, _Told(tell)
    try:
        yield events
    finally:
        ground.events = former
        done.set()
        if started.is_set():
            restarting.join()
    assert started.is_set()


class _Told(list[Event]):
    """A list that hands on what is appended to it."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        super().__init__()
        self._tell = tell

    def append(self, event: Event) -> None:
        self._tell(event)


@pytest.mark.usefixtures("sandbox_programs")
def test_an_api_server_and_an_etcd_that_restart(tmp_path: Path) -> None:
    """An apply and a wait for a rollout outlive a restart: all is there, and was watched to its end."""
    with control_plane(tmp_path) as ground:
        ground.make_namespace()
        _restart_amid_an_apply(ground, _API, "green")
        _restart_amid_a_wait(ground)
        _restart_amid_an_apply(ground, _ETCD, "blue")


def _restart_amid_an_apply(ground: Ground, flag: str, colour: str) -> None:
    with restarted_when(ground, flag, lambda event: isinstance(event, ChangeDone)):
        inventory = ground.apply(MANY.replace("green", colour), wait=Wait(timeout=120))
    assert len(inventory) == 150
    found = ground.others.get(ground.path("configmaps"))["items"]
    ours = [item for item in found if item["metadata"]["name"].startswith("s")]
    assert [item["data"] for item in ours] == [{"colour": colour}] * 150


def _restart_amid_a_wait(ground: Ground) -> None:
    """Let the wait for a rollout go on where it was when the API server is back."""
    with restarted_when(ground, _API, lambda event: isinstance(event, UnitProgress)) as events:
        ground.apply(SLOW, wait=Wait(timeout=120))
    web = ground.others.get(ground.path("deployments", "web", group="apis/apps/v1"))
    assert web["status"]["readyReplicas"] == 1
    done = [event for event in events if isinstance(event, ChangeDone)]
    assert [event.waiting for event in done] == [True, False]


@contextmanager
def webhook(ground: Ground, address: Mapping[str, Any]) -> Iterator[str]:
    """Let a webhook at an address judge the ConfigMaps of a namespace; return its name."""
    name = f"slow.{ground.namespace}.example.com"
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    selector = {"matchLabels": {"kubernetes.io/metadata.name": ground.namespace}}
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": ["configmaps"],
        "operations": ["CREATE", "UPDATE"],
    }
    hook = {
        "name": name,
        "clientConfig": dict(address),
        "rules": [rule],
        "namespaceSelector": selector,
        "timeoutSeconds": 1,
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    ground.others.create(path, {"metadata": {"name": ground.namespace}, "webhooks": [hook]})
    try:
        yield name
    finally:
        ground.others.request("DELETE", f"{path}/{ground.namespace}")


def bundle(certificate: str) -> str:
    """Return a certificate as a configuration of webhooks wants it."""
    return base64.b64encode(certificate.encode()).decode()


def test_a_webhook_that_hangs_is_named(ground: Ground) -> None:
    """A webhook that accepts connections and never answers is named, with what it kept from being done."""
    (plan,) = ground.plan(ground.rendered(CONFIG))
    own, release = pair("127.0.0.1"), threading.Event()

    def hang(_: Asked) -> Say:
        release.wait(120)
        return Say(status=500)

    with serving(hang, tls=context(ground.directory, own)) as server:
        address = {"url": server.address, "caBundle": bundle(own.certificate)}
        with webhook(ground, address) as name, pytest.raises(Busy) as raised:
            apply_set(
                ground.cluster,
                plan,
                wait=Wait(),
                on_event=ground.events.append,
                stop=ground.stop,
            )
        release.set()
        assert len(server.asked) > 1  # it was asked again: a webhook may only be starting
    title = f"ConfigMap {ground.namespace}/settings"
    assert raised.value.message.startswith(
        f"patch {title} failed: the admission webhook {name} does not answer: "
    )
    assert "deadline exceeded" in raised.value.message
    assert "kubectl get validatingwebhookconfigurations" in raised.value.hint


def test_a_webhook_that_is_starting_is_waited_for(
    ground: Ground, in_the_background: Callable[[Callable[[], None]], None]
) -> None:
    """A webhook that nobody serves yet does not fail an apply that somebody serves it for soon after."""
    missing = {"service": {"namespace": ground.namespace, "name": "nowhere", "path": "/"}}
    refused = threading.Event()
    with webhook(ground, missing):
        path = f"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{ground.namespace}"

        def serve() -> None:
            refused.wait(30)
            ground.others.request("DELETE", path)

        in_the_background(serve)
        timer = threading.Timer(2.0, refused.set)
        timer.start()
        assert len(ground.apply(CONFIG)) == 1
        timer.join()

"""A real API server behind a gateway that loses requests, and answers as servers in trouble do."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import AccessDenied, ClusterError
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Stop
from orchestrator.settings import Settings
from orchestrator.stack.model import Wait
from orchestrator.workloads.cluster import Target, connect
from orchestrator.workloads.cluster.watches import Scope
from tests.workloads.builders import CONFIG, DEPLOYMENT
from tests.workloads.ground import Ground
from tests.workloads.servers.faults import Cut, Fault, Faults, Gateway, Times, faulty
from tests.workloads.servers.listening import Asked
from tests.workloads.servers.loopback import Say

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

SOME, MANY = (
    "---".join(CONFIG.replace("settings", f"settings-{number}") for number in range(count))
    for count in (10, 40)
)


def status(code: int, message: str = "later", **headers: str) -> Say:
    """Return the refusal that a server answers with."""
    body = {"kind": "Status", "code": code, "message": message}
    return Say(status=code, body=body, headers=headers)


@contextmanager
def through(
    ground: Ground, faults: Faults, *, token: str = "", plugin: tuple[str, ...] = ()
) -> Iterator[tuple[Ground, Gateway, list[str]]]:
    """Return the same place, reached through a gateway, and the notices of the connection."""
    notices: list[str] = []
    settings = replace(Settings.read(), cache=ground.directory, home=ground.directory)
    with faulty(ground.others, faults) as gateway:
        known = "" if plugin else token or ground.others.token
        target = Target(server=gateway.address, token=known, exec=plugin)
        with connect(
            target, settings, secrets=Secrets(), stop=Stop(), on_notice=notices.append
        ) as cluster:
            yield replace(ground, cluster=cluster), gateway, notices


def counts(gateway: Gateway, method: str) -> dict[str, int]:
    """Return how often each address was asked for, of real changes."""
    found: dict[str, int] = {}
    for asked in gateway.asked:
        if asked.method == method and "dryRun" not in asked.query:
            found[asked.path] = found.get(asked.path, 0) + 1
    return found


@pytest.mark.parametrize(
    "fault",
    [
        status(429, **{"Retry-After": "1"}),
        status(500, "etcdserver: leader changed"),
        status(502),
        status(503),
        status(504),
        *Cut,
    ],
    ids=["429", "500", "502", "503", "504", *(cut.name for cut in Cut)],
)
def test_whatever_befalls_a_request_it_is_done_once(ground: Ground, fault: Fault) -> None:
    """Each request fails once, in each of the ways there are: all is applied, found unchanged, and deleted."""
    with through(ground, Times(fault)) as (place, gateway, _):
        inventory = place.apply(f"{SOME}---{DEPLOYMENT}")
        assert len(inventory) == 11
        gateway.faults = Times(fault)
        (plan,) = place.plan(place.rendered(f"{SOME}---{DEPLOYMENT}"), inventory=inventory)
        assert {change.action.value for change in plan.changes} == {"no-op"}
        place.prune(inventory)
        left = ground.others.get(ground.path("configmaps"))["items"]
        assert [item for item in left if item["metadata"]["name"].startswith("settings")] == []
        assert set(counts(gateway, "PATCH").values()) <= {1, 2}


def test_every_creation_happened_once(ground: Ground) -> None:
    """An apply that is sent again since its answer was lost neither makes a second object nor a second change."""
    with through(ground, Times(Cut.AFTER, times=2, methods="PATCH")) as (place, _, _):
        place.apply(MANY)
    items = ground.others.get(ground.path("configmaps"))["items"]
    ours = [item for item in items if item["metadata"]["name"].startswith("settings")]
    assert len(ours) == 40
    for item in ours:
        (record,) = item["metadata"]["managedFields"]
        assert record["manager"] == "orchestrator"


def test_a_server_says_when_to_come_again(ground: Ground) -> None:
    """What `Retry-After` asks for is waited."""
    asked_at: list[float] = []

    def faults(asked: Asked) -> Fault:
        if asked.method != "PATCH":
            return None
        asked_at.append(time.monotonic())
        return status(429, **{"Retry-After": "2"}) if len(asked_at) == 1 else None

    with through(ground, faults) as (place, _, _):
        place.apply(CONFIG)
    assert 2.0 <= asked_at[1] - asked_at[0] < 5.0


def test_an_outage_is_told_once(ground: Ground) -> None:
    """While a server is in trouble for more than a moment people are told why they wait, and for how long."""
    with through(ground, Times(status(503), times=5, methods="PATCH")) as (place, _, notices):
        place.apply(MANY)
    (told,) = notices
    assert told.endswith(": it answers 503; trying again for up to 60 s")


def test_lists_and_watches_that_grew_too_old(ground: Ground) -> None:
    """A server that forgot where a list or a watch was does not end the wait for a rollout."""
    gone = status(410, "too old resource version")
    seen: list[str] = []

    def faults(asked: Asked) -> Fault:
        suffers = "watch" in asked.query or "continue" in asked.query
        if suffers and len(seen) < 4:
            seen.append(asked.path)
            return gone
        return None

    slow = DEPLOYMENT.replace(
        "labels: {app: web}}", "labels: {app: web}, annotations: {sandbox.orchestrator/delay: 2s}}"
    )
    with through(ground, faults) as (place, _, _):
        place.apply(slow)
    assert seen
    web = ground.others.get(ground.path("deployments", "web", group="apis/apps/v1"))
    assert web["status"]["readyReplicas"] == 1


def plugin(directory: Path, tokens: list[str]) -> str:
    """Return a program that prints these tokens in turn, and then the last one; it counts its runs."""
    (directory / "tokens").write_text("\n".join(tokens) + "\n")
    path = directory / "plugin"
    path.write_text(
        "#!/bin/sh\n"
        f"cd '{directory}' && echo run >> runs && n=$(wc -l < runs)\n"
        'token=$(sed -n "${n}p" tokens); [ "$token" ] || token=$(tail -n 1 tokens)\n'
        'printf \'{"status": {"token": "%s"}}\' "$token"\n'
    )
    path.chmod(0o755)
    return str(path)


def runs(directory: Path) -> int:
    """Return how often the plugin ran."""
    return len((directory / "runs").read_text().splitlines())


def test_an_expired_token_is_renewed_once_for_all(ground: Ground) -> None:
    """When the server stops accepting a token amid many requests, the plugin is asked for one other, and no more."""
    program = plugin(ground.directory, [ground.others.token, ground.others.token])
    refused: set[str] = set()

    def expired(asked: Asked) -> Fault:
        if asked.method == "PATCH" and asked.path not in refused and len(refused) < 20:
            refused.add(asked.path)
            return status(401, "Unauthorized")
        return None

    with through(ground, expired, plugin=(program,)) as (place, _, _):
        place.apply(MANY, wait=Wait(enabled=False))
    assert len(refused) == 20
    assert runs(ground.directory) <= 2


def test_a_token_that_the_server_does_not_know(ground: Ground) -> None:
    """The real server refuses the first token of a plugin: all waiting requests go on with its second one."""
    program = plugin(ground.directory, ["stale", ground.others.token])
    with through(ground, lambda _: None, plugin=(program,)) as (place, _, _):
        assert len(place.apply(MANY, wait=Wait(enabled=False))) == 40
    assert runs(ground.directory) == 2


def test_credentials_that_stay_refused_are_told(ground: Ground) -> None:
    """Asking the plugin again is no use for ever: after one more refusal it is an error of access."""
    program = plugin(ground.directory, ["stale", "staler", "stalest"])
    with (
        through(ground, lambda _: None, plugin=(program,)) as (place, _, _),
        pytest.raises(AccessDenied, match="does not accept the credentials"),
    ):
        place.cluster.kinds()
    assert runs(ground.directory) <= 3


def test_many_watches_leave_room_for_requests(ground: Ground) -> None:
    """However many collections are followed, a request does not wait for one of them to end."""
    resource = ground.cluster.kinds().find("", "ConfigMap")
    assert resource is not None
    scopes = [
        Scope(resource=resource, namespace=ground.namespace, query={"labelSelector": f"n={number}"})
        for number in range(60)
    ]
    with ground.cluster.watch_scopes(scopes, keep=lambda live: live):
        assert len(ground.apply(CONFIG)) == 1


def test_a_refusal_that_does_not_pass_is_told_at_once(ground: Ground) -> None:
    """An error of the server that will not go away by asking again is not asked again."""
    with through(ground, Times(status(500, "out of order"), times=100, methods="PATCH")) as (
        place,
        gateway,
        notices,
    ):
        with pytest.raises(ClusterError, match="out of order"):
            place.apply(CONFIG)
        assert len([asked for asked in gateway.asked if asked.method == "PATCH"]) == 1
        assert notices == []

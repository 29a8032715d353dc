import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import AccessDenied, ClusterError, ClusterUnreachable, Interrupted
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Stop
from orchestrator.settings import Settings
from orchestrator.workloads.cluster import Target, connect
from orchestrator.workloads.cluster.api import Wanted
from orchestrator.workloads.cluster.news import Seen
from orchestrator.workloads.cluster.watches import Watch
from tests.workloads.builders import OWNER, ref
from tests.workloads.cluster.test_credentials import kubeconfig
from tests.workloads.servers.listening import Asked
from tests.workloads.servers.loopback import Say, Script, in_turn, serving
from tests.workloads.servers.pretended import (
    BUSY,
    CONFIGS,
    config,
    connected,
    discovery,
    event,
    listing,
)

pytestmark = pytest.mark.integration

WANTED = Wanted(resource=CONFIGS, namespaces=frozenset({"shop"}))


@contextmanager
def watched(script: Script, directory: Path) -> Iterator[Watch]:
    """Return a watch of the ConfigMaps of a server that answers by ``script``."""
    with (
        serving(script) as server,
        connected(server.address, directory) as cluster,
        cluster.watch([WANTED], OWNER) as watch,
    ):
        yield watch


def following(watch: Watch, count: int) -> list[Seen]:
    """Return the next changes."""
    found: list[Seen] = []
    for _ in range(200):
        seen = watch.next(0.1)
        if seen:
            found.append(seen)
        if len(found) == count:
            return found
    raise AssertionError(found)


def until(watch: Watch, version: str) -> list[Seen]:
    """Return the changes up to that version."""
    found: list[Seen] = []
    for _ in range(200):
        seen = watch.next(0.1)
        if seen:
            found.append(seen)
            if _version(seen) == version:
                return found
    raise AssertionError(found)


def _version(seen: Seen) -> str:
    metadata: Any = seen.live["metadata"]
    return str(metadata["resourceVersion"])


def plugin(directory: Path, body: str) -> str:
    """Return a credential plugin that runs these lines of shell."""
    path = directory / "plugin"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(tmp_path: Path, status: int) -> None:
    """A server that is too busy is asked again until it answers."""
    busy = Say(status=status, body={"message": "later"}, headers={"Retry-After": "0"})
    with (
        serving(in_turn(busy, busy, listing(config("a")))) as server,
        connected(server.address, tmp_path) as cluster,
    ):
        assert [found.name for found in cluster.list_owned([WANTED], OWNER)] == ["a"]
    assert len(server.asked) == 3


def test_a_refusal_is_not_repeated(tmp_path: Path) -> None:
    """An answer that will not change is taken at once."""
    with serving(in_turn(Say(status=500, text="<html>oops</html>"))) as server:
        with (
            connected(server.address, tmp_path) as cluster,
            pytest.raises(ClusterError, match="HTTP status 500"),
        ):
            cluster.list_owned([WANTED], OWNER)
        assert len(server.asked) == 1


def test_a_restart_in_between_is_waited_for(tmp_path: Path) -> None:
    """A server that answered before and is away for a moment is waited for."""
    found: list[object] = []
    with ExitStack() as first:
        server = first.enter_context(serving(in_turn(listing())))
        port = int(server.address.rpartition(":")[2])
        with connected(server.address, tmp_path) as cluster:
            assert cluster.list_owned([WANTED], OWNER) == {}
            first.close()
            thread = threading.Thread(
                target=lambda: found.append(cluster.list_owned([WANTED], OWNER))
            )
            thread.start()
            thread.join(timeout=0.3)
            assert found == []
            with serving(in_turn(listing(config("a"))), port=port):
                thread.join(timeout=20)
    assert len(found) == 1


def test_a_server_that_never_answered_is_not_waited_for(tmp_path: Path) -> None:
    """A wrong address is told at once, with the address and the reason; nothing is concluded from it."""
    with serving(in_turn(listing())) as server:
        address = server.address
    with connected(address, tmp_path) as cluster, pytest.raises(ClusterUnreachable) as raised:
        cluster.kinds()
    assert address in raised.value.message
    assert "connect" in raised.value.message
    assert raised.value.hint


def test_refused_credentials_are_told(tmp_path: Path) -> None:
    """A token that the server does not accept is an error of access."""
    with serving(in_turn(Say(status=401, body={"message": "Unauthorized"}))) as server:
        with (
            connected(server.address, tmp_path, token="stale") as cluster,
            pytest.raises(AccessDenied),
        ):
            cluster.kinds()
        assert server.asked[0].headers["Authorization"] == "Bearer stale"


def test_credentials_of_a_plugin_are_renewed_once(tmp_path: Path) -> None:
    """When the server refuses a plugin's token, the plugin is asked for another one, once."""
    program = plugin(
        tmp_path,
        "echo x >> runs; n=$(wc -l < runs); "
        'echo "{\\"status\\": {\\"token\\": \\"token-$((n))\\"}}"',
    )

    def script(asked: Asked) -> Say:
        fresh = asked.headers["Authorization"] == "Bearer token-2"
        return listing() if fresh else Say(status=401, body={"message": "Unauthorized"})

    with (
        serving(script) as server,
        connected(server.address, tmp_path, plugin=[program]) as cluster,
    ):
        cluster.list_owned([WANTED], OWNER)
        cluster.list_owned([WANTED], OWNER)
    assert [asked.headers["Authorization"] for asked in server.asked] == [
        "Bearer token-1",
        "Bearer token-2",
        "Bearer token-2",
    ]


def test_an_interrupt_ends_a_request_that_hangs(tmp_path: Path) -> None:
    """A request to stop ends the wait for a server that accepts and never answers."""
    stop, release = Stop(), threading.Event()

    def script(_: Asked) -> Say:
        stop.request()
        release.wait(30)
        return listing()

    with serving(script) as server, connected(server.address, tmp_path, stop=stop) as cluster:
        with pytest.raises(Interrupted):
            cluster.list_owned([WANTED], OWNER)
        release.set()


def test_long_lists_come_in_pages(tmp_path: Path) -> None:
    """A list is read page by page, at one version."""
    pages = in_turn(listing(config("a"), more="next"), listing(config("b")))
    with serving(pages) as server, connected(server.address, tmp_path) as cluster:
        assert sorted(found.name for found in cluster.list_owned([WANTED], OWNER)) == ["a", "b"]
    assert [asked.query.get("continue") for asked in server.asked] == [None, "next"]


def test_a_list_that_grew_too_old_is_read_again(tmp_path: Path) -> None:
    """When the server forgot a list between two pages, it is read from the start, and nothing twice."""
    gone = Say(status=410, body={"message": "expired"})
    script = in_turn(listing(config("a"), more="next"), gone, listing(config("b")))
    with serving(script) as server, connected(server.address, tmp_path) as cluster:
        assert [found.name for found in cluster.list_owned([WANTED], OWNER)] == ["b"]


def test_namespaces_are_listed_where_all_of_them_may_not_be(tmp_path: Path) -> None:
    """Whoever may only list in a namespace is not asked for more."""
    message = 'configmaps is forbidden: User "ci" cannot list resource "configmaps" in API group ""'
    forbidden = Say(status=403, body={"message": f"{message} at the cluster scope"})

    def script(asked: Asked) -> Say:
        return listing(config("a")) if "/namespaces/shop/" in asked.path else forbidden

    with serving(script) as server, connected(server.address, tmp_path) as cluster:
        for _ in range(2):
            assert [found.name for found in cluster.list_owned([WANTED], OWNER)] == ["a"]
        assert [asked.path for asked in server.asked] == [
            "/api/v1/configmaps",
            "/api/v1/namespaces/shop/configmaps",
            "/api/v1/namespaces/shop/configmaps",
        ]


@pytest.mark.parametrize("compressed", [True, False])
def test_answers_are_compressed_unless_the_kubeconfig_says_otherwise(
    tmp_path: Path, *, compressed: bool
) -> None:
    """Who knows that the network is faster than packing says so where kubectl reads it too."""
    settings = replace(Settings.read(), cache=tmp_path / "cache", home=tmp_path)
    with serving(discovery) as server:
        of_cluster = {"server": server.address, "disable-compression": not compressed}
        file = kubeconfig(tmp_path / "config", "dev", current="dev", **of_cluster)
        target = Target(kubeconfig=file)
        with connect(target, settings, secrets=Secrets(), stop=Stop()) as cluster:
            cluster.kinds()
    asked_for = {asked.headers["Accept-Encoding"] for asked in server.asked}
    assert [("gzip" in each) for each in asked_for] == [compressed]


def watching(*watches: Say, lists: Sequence[Say]) -> Any:
    """Answer lists and watches each in turn; after the last watch the server stays silent."""
    listed, watched = in_turn(*lists), in_turn(*watches, Say(status=503, body={}))
    return lambda asked: (watched if "watch" in asked.query else listed)(asked)


@pytest.mark.parametrize("cut", [False, True])
def test_a_watch_goes_on_where_it_ended(tmp_path: Path, cut: bool) -> None:  # noqa: FBT001 - a case
    """Whether the server ends a watch or the connection breaks, nothing is missed and nothing goes back."""
    first = Say(
        lines=[event("MODIFIED", config("a", 5)), event("BOOKMARK", config("", 7))], cut=cut
    )
    second = Say(lines=[event("MODIFIED", config("a", 9))])
    asked_from: list[str] = []

    def script(asked: Asked) -> Say:
        if "watch" not in asked.query:
            return listing(config("a", 3), version=3)
        asked_from.append(asked.query["resourceVersion"])
        return {"3": first, "9": BUSY}.get(asked_from[-1], second)

    with watched(script, tmp_path) as watch:
        found = [_version(seen) for seen in until(watch, "9")]
    assert found[0] == "3"
    assert found == sorted(found)
    assert asked_from[0] == "3"
    # What was still under way when the connection broke may be told once more.
    assert set(asked_from[1:]) <= ({"3", "5", "7", "9"} if cut else {"7", "9"})


def test_a_busy_server_does_not_end_a_watch(tmp_path: Path) -> None:
    """A watch that is refused for a moment is opened again."""
    script = watching(BUSY, Say(lines=[event("ADDED", config("a"))]), lists=[listing()])
    with watched(script, tmp_path) as watch:
        assert [seen.ref.name for seen in following(watch, 1)] == ["a"]


@pytest.mark.parametrize(
    "gone",
    [
        Say(status=410, body={"kind": "Status", "message": "too old"}),
        Say(lines=[event("ERROR", {"kind": "Status", "code": 410, "message": "too old"})]),
    ],
    ids=["refused", "told"],
)
def test_a_forgotten_watch_starts_over(tmp_path: Path, gone: Say) -> None:
    """When the server forgot where we were, what was deleted meanwhile is told as gone, what is new as there."""
    script = watching(
        gone,
        lists=[listing(config("a"), config("b")), listing(config("b"), config("c"), version=9)],
    )
    with watched(script, tmp_path) as watch:
        found = following(watch, 5)
    assert [(seen.ref.name, seen.gone) for seen in found] == [
        ("a", False),
        ("b", False),
        ("a", True),
        ("b", False),
        ("c", False),
    ]


def test_a_watch_that_is_forbidden_is_an_error(tmp_path: Path) -> None:
    """Who may list and not watch is told so, instead of waiting for nothing."""
    message = (
        'configmaps is forbidden: User "ci" cannot watch resource "configmaps" in API group ""'
    )
    script = watching(Say(status=403, body={"message": message}), lists=[listing()])
    with (
        watched(script, tmp_path) as watch,
        pytest.raises(AccessDenied, match="to watch configmaps"),
    ):
        following(watch, 1)


def test_an_object_of_an_unknown_kind_is_not_there(tmp_path: Path) -> None:
    """What the server does not serve cannot exist in it."""
    missing = ref("Widget", group="example.com")
    with (
        serving(discovery) as server,
        connected(server.address, tmp_path) as cluster,
    ):
        assert cluster.get_many([missing]) == {missing: None}
        with pytest.raises(
            ClusterError, match=r"does not know the kind of Widget\.example\.com shop/web"
        ):
            cluster.resource(missing)


def test_secrets_never_stand_in_an_error(tmp_path: Path) -> None:
    """A refusal that quotes a learnt secret is redacted."""
    learnt = Secrets()
    learnt.learn("correct-horse")
    answer = {"message": f"cannot use {json.dumps('correct-horse')}"}
    settings = replace(Settings.read(), cache=tmp_path)
    with serving(in_turn(Say(status=500, body=answer))) as server:
        target = Target(server=server.address)
        with (
            connect(target, settings, secrets=learnt, stop=Stop()) as cluster,
            pytest.raises(ClusterError) as raised,
        ):
            cluster.list_owned([WANTED], OWNER)
    assert "correct-horse" not in str(raised.value)
    assert "(sensitive)" in raised.value.message

"""Which kinds a server serves: kept on disk for each server, and asked for again where one is unknown."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.workloads.cluster.answers import NotServed
from tests.workloads.builders import ref
from tests.workloads.servers.listening import Asked
from tests.workloads.servers.loopback import Say, Script, serving
from tests.workloads.servers.pretended import (
    CONFIGS,
    CORE,
    GROUPS,
    connected,
    discovery,
    groups,
    kind,
)

pytestmark = pytest.mark.integration

_WIDGETS = {
    "metadata": {"name": "example.com"},
    "versions": [{"version": "v1", "resources": [kind("Widget", "widgets")]}],
}
_MORE = groups(*GROUPS["items"], _WIDGETS)


def tagged(serves_widgets: list[bool], tags: list[str]) -> Script:
    """Answer as a server whose kinds are those of the last of these; ``tags`` are what it is asked with."""

    def script(asked: Asked) -> Say:
        widgets = serves_widgets[-1] and asked.path == "/apis"
        tags.append(asked.headers.get("If-None-Match", ""))
        body = (_MORE if widgets else GROUPS) if asked.path == "/apis" else CORE
        tag = f'"{asked.path}, {widgets}"'
        return Say(status=304) if tags[-1] == tag else Say(body=body, headers={"ETag": tag})

    return script


def test_kinds_are_kept_with_their_tag(tmp_path: Path) -> None:
    """Discovery is only read again when the server says that it changed."""
    known: list[str] = []

    def script(asked: Asked) -> Say:
        known.append(asked.headers.get("If-None-Match", ""))
        if known[-1]:
            return Say(status=304)
        return replace(discovery(asked), headers={"ETag": '"one"'})

    with serving(script) as server:
        for _ in range(2):
            with connected(server.address, tmp_path) as cluster:
                kinds = cluster.kinds()
                assert kinds.find("", "ConfigMap") == CONFIGS
                assert kinds.find("", "Binding") is None
    assert sorted(known) == ["", "", '"one"', '"one"']


def test_each_server_has_what_is_kept_to_itself(tmp_path: Path) -> None:
    """What one server serves is not believed of another one."""
    here: list[str] = []
    there: list[str] = []
    with serving(tagged([True], here)) as one, serving(tagged([False], there)) as other:
        for address, served in ((one.address, True), (other.address, False), (one.address, True)):
            with connected(address, tmp_path) as cluster:
                assert bool(cluster.kinds().find("example.com", "Widget")) is served
    assert there == ["", ""]
    assert sorted(here) == ["", "", '"/api, False"', '"/apis, True"']


def test_a_kind_that_came_since_is_found(tmp_path: Path) -> None:
    """A kind that is not known is asked about once more; one that is known by then is not."""
    serves: list[bool] = [False]
    tags: list[str] = []
    widget = ref("Widget", group="example.com", name="a")
    with serving(tagged(serves, tags)) as server:
        with connected(server.address, tmp_path) as cluster:
            with pytest.raises(NotServed):
                cluster.resource(widget)
            assert len(tags) == 4
            serves.append(True)
            assert cluster.resource(widget).plural == "widgets"
            assert len(tags) == 6
            cluster.resource(widget)
            assert len(tags) == 6
        with connected(server.address, tmp_path) as cluster:
            assert cluster.resource(widget).plural == "widgets"
    assert tags[-2:].count('"/apis, True"') == 1


def test_a_broken_cache_of_kinds_costs_nothing(tmp_path: Path) -> None:
    """What cannot be read from the cache is asked for again."""
    with serving(discovery) as server:
        with connected(server.address, tmp_path) as cluster:
            cluster.kinds()
        (file,) = (tmp_path / "cache" / "discovery").iterdir()
        file.write_text('{"/api": [')
        with connected(server.address, tmp_path) as cluster:
            assert cluster.kinds().find("", "ConfigMap")


def test_an_old_server_is_asked_version_by_version(tmp_path: Path) -> None:
    """A server without aggregated discovery is understood too; a group that goes meanwhile serves nothing."""
    versions = [{"groupVersion": name} for name in ("apps/v1", "gone.example.com/v1")]
    answers = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "groups": [{"versions": [each]} for each in versions]},
        "/api/v1": {
            "groupVersion": "v1",
            "resources": [
                {"name": "configmaps", "kind": "ConfigMap", "namespaced": True, "verbs": ["patch"]},
                {"name": "pods/log", "kind": "Pod", "namespaced": True, "verbs": ["patch"]},
            ],
        },
        "/apis/apps/v1": {
            "groupVersion": "apps/v1",
            "resources": [
                {
                    "name": "deployments",
                    "kind": "Deployment",
                    "namespaced": True,
                    "verbs": ["patch"],
                }
            ],
        },
    }

    def script(asked: Asked) -> Say:
        if asked.path not in answers:
            return Say(status=404, body={"message": "404 page not found"})
        return Say(body=answers[asked.path])

    with serving(script) as server, connected(server.address, tmp_path) as cluster:
        kinds = cluster.kinds()
    assert kinds.find("", "ConfigMap") == CONFIGS
    assert kinds.find("apps", "Deployment")
    assert kinds.find("", "Pod") is None

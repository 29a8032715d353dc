"""What the benchmarks of workloads stand on: their objects, their kubectl, and how memory and requests are told."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.kubectl import KUBECTL, installed_kubectl
from benchmarks.kubernetes import count_requests, count_writes
from benchmarks.objects import write_objects
from benchmarks.running import Command, Failed, NotHere
from orchestrator.sandbox.programs.build import KUBERNETES_VERSION
from orchestrator.settings import Settings

_METRICS = """\
# TYPE apiserver_request_total counter
apiserver_request_total{code="200",resource="configmaps",subresource="",verb="LIST",version="v1"} 3
apiserver_request_total{code="200",resource="configmaps",subresource="",verb="WATCH",version="v1"} 7
apiserver_request_total{code="200",dry_run="All",resource="deployments",verb="APPLY",version="v1"} 1.2e+02
apiserver_request_total{code="200",resource="leases",subresource="",verb="GET",version="v1"} 900
apiserver_request_sli_duration_seconds_count{resource="configmaps",verb="LIST"} 3
"""


def _read(directory: Path) -> dict[tuple[str, str], Any]:
    return {
        (document["kind"], document["metadata"]["name"]): document
        for file in directory.iterdir()
        for document in yaml.safe_load_all(file.read_text())
    }


def test_the_objects_are_a_third_each(tmp_path: Path) -> None:
    """As many objects as were asked for, in thirds, beside the namespace that they are in."""
    write_objects(tmp_path, 100)

    kinds = Counter(kind for kind, _ in _read(tmp_path))
    assert kinds == {"Namespace": 1, "ConfigMap": 34, "Service": 33, "Deployment": 33}


def test_a_thousand_objects_are_in_each_namespace(tmp_path: Path) -> None:
    """The first is that of whoever reads the files; the others are named, and made with them."""
    write_objects(tmp_path, 2_400)

    found = Counter(
        document["metadata"].get("namespace")
        for document in _read(tmp_path).values()
        if document["kind"] != "Namespace"
    )
    assert {place: round(number, -1) for place, number in found.items()} == {
        None: 1_000,
        "bench-1": 1_000,
        "bench-2": 400,
    }
    made = {name for kind, name in _read(tmp_path) if kind == "Namespace"}
    assert made == {"bench", "bench-1", "bench-2"}


def test_as_many_objects_change_as_were_asked_for(tmp_path: Path) -> None:
    """Written again with some changed, just these differ, and they are of every kind."""
    write_objects(tmp_path, 100)
    before = _read(tmp_path)
    write_objects(tmp_path, 100, changed=10)
    after = _read(tmp_path)

    changed = [key for key, document in after.items() if document != before[key]]
    assert Counter(kind for kind, _ in changed) == {"ConfigMap": 4, "Service": 3, "Deployment": 3}


def test_kubectl_is_of_the_version_of_the_sandbox() -> None:
    """A newer sandbox is measured with a newer kubectl: no module is left at another version."""
    module = (KUBECTL.sources / "go.mod").read_text()

    assert f"k8s.io/kubernetes {KUBERNETES_VERSION} " in module
    staging = KUBERNETES_VERSION.replace("v1.", "v0.", 1)
    replaced = [line.split()[-1] for line in module.splitlines() if "=> k8s.io/" in line]
    assert set(replaced) == {staging}


@pytest.mark.parametrize(
    ("version", "measured"),
    [("v1.32.4-dispatcher", True), (KUBERNETES_VERSION, False), ("", False)],
)
def test_a_kubectl_of_this_machine_is_measured_where_it_is_another(
    tmp_path: Path, version: str, *, measured: bool
) -> None:
    """One of the sandbox's own version is measured anyway, and one that does not tell its version is none."""
    told = f'{{"clientVersion": {{"gitVersion": "{version}"}}}}'
    (tmp_path / "kubectl").write_text(f"#!/bin/sh\necho '{told}'\n")
    (tmp_path / "kubectl").chmod(0o755)
    settings = replace(Settings.read(), search_path=str(tmp_path))

    if measured:
        assert installed_kubectl(settings) == (tmp_path / "kubectl", version.removeprefix("v"))
    else:
        with pytest.raises(NotHere, match="no kubectl of another version"):
            installed_kubectl(settings)


def test_requests_are_counted_that_the_control_plane_does_not_send_by_itself() -> None:
    """Watches, leases and other metrics of the same requests are left out."""
    assert count_requests(_METRICS) == 123


def test_a_control_plane_is_at_rest_though_it_shows_that_it_is_alive() -> None:
    """Only what is written counts, and its leases do not."""
    leases = 'apiserver_request_total{code="200",resource="leases",verb="PUT",version="v1"} 41\n'
    pods = 'apiserver_request_total{code="201",resource="pods",verb="POST",version="v1"} 2\n'

    assert count_writes(_METRICS + leases) == count_writes(_METRICS) == 120
    assert count_writes(_METRICS + leases + pods) == 122


def test_memory_is_that_of_the_whole_family(tmp_path: Path) -> None:
    """What a program starts counts with it: two processes of 60 MB each are 120 MB."""
    script = """
import subprocess, sys, time
block = bytearray(60_000_000)
if sys.argv[1:]:
    sys.stdin.read()
    sys.exit()
child = subprocess.Popen((sys.executable, __file__, "child"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
time.sleep(0.5)
child.communicate()
"""
    file = tmp_path / "script.py"
    file.write_text(script)

    usage = Command(argv=(sys.executable, str(file)), directory=tmp_path).measured()

    assert usage.seconds >= 0.5
    assert usage.megabytes > 120 if sys.platform == "linux" else usage.megabytes > 60


@pytest.mark.skipif(sys.platform != "linux", reason="only wait4 tells it there")
def test_what_the_benchmark_itself_holds_is_not_counted(tmp_path: Path) -> None:
    """A process is forked from it, and the kernel's peak of the process begins with that."""
    held = bytearray(200_000_000)

    usage = Command(
        argv=(sys.executable, "-c", "import time; time.sleep(0.5)"), directory=tmp_path
    ).measured()

    assert held
    assert 5 < usage.megabytes < 100


@pytest.mark.skipif(sys.platform != "linux", reason="only wait4 tells it there")
def test_what_a_program_lends_to_its_children_is_counted_once(tmp_path: Path) -> None:
    """A child lives in the memory of its parent until it is a program: here for as long as it looks for one."""
    script = """
import subprocess
block = bytearray(60_000_000)
nowhere = ":".join(["/nowhere"] * 300_000)
try:
    subprocess.run(["nothing"], env={"PATH": nowhere})
except OSError:
    print(len(block))
"""

    usage = Command(argv=(sys.executable, "-c", script), directory=tmp_path).measured()

    assert usage.seconds >= 0.2
    assert 60 < usage.megabytes < 150


def test_what_failed_is_not_measured(tmp_path: Path) -> None:
    """A program that fails is quick: its time is thrown away, and its output shown."""
    script = "import sys; sys.exit('no such object')"

    with pytest.raises(Failed, match="no such object"):
        Command(argv=(sys.executable, "-c", script), directory=tmp_path).measured()

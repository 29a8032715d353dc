from typing import Any

import pytest

from orchestrator.workloads.planning.unchanged.stored import left_out, stored_as
from orchestrator.workloads.quantities import canonical


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("0.5", "500m"),
        (0.5, "500m"),
        ("500m", "500m"),
        (2, "2"),
        ("2000m", "2"),
        ("1000", "1k"),
        ("1024", "1024"),
        ("1024Mi", "1Gi"),
        ("0.5Gi", "512Mi"),
        ("1000Mi", "1000Mi"),
        ("0.5Ki", "512"),
        ("1.5Ki", "1536"),
        ("1500M", "1500M"),
        ("0", "0"),
        ("0Gi", "0"),
        ("0.0001", None),
        ("1e3", None),
        ("-1", None),
        ("9999999999999Gi", None),
        ("", None),
        ("a lot", None),
        (True, None),
        (None, None),
    ],
)
def test_amounts_have_one_form(written: Any, kept: str | None) -> None:
    """An amount is told in the form in which the server writes it, or not at all."""
    assert canonical(written) == kept


@pytest.mark.parametrize(
    "path",
    [
        "spec.containers.resources.limits.cpu",
        "spec.template.spec.initContainers.resources.requests.memory",
        "spec.jobTemplate.spec.template.spec.overhead.cpu",
        "spec.template.spec.volumes.emptyDir.sizeLimit",
        "spec.resources.requests.storage",
        "spec.capacity.storage",
        "spec.hard.pods",
    ],
)
def test_amounts_are_read_as_amounts(path: str) -> None:
    """Where the server keeps an amount, another way to write it is the same."""
    assert stored_as("1024Mi", "1Gi", tuple(path.split(".")))


@pytest.mark.parametrize(
    "path",
    [
        "data.cpu",
        "data.sizeLimit",
        "metadata.annotations.sizeLimit",
        "metadata.labels.sizeLimit",
        "spec.selector.sizeLimit",
        "spec.template.metadata.annotations.sizeLimit",
        "spec.template.spec.nodeSelector.sizeLimit",
        "data.spec.emptyDir.sizeLimit",
        "data.resources.limits.cpu",
        "spec.limits.type",
    ],
)
def test_texts_are_never_read_as_amounts(path: str) -> None:
    """Whatever a text is called, two ways to write an amount are two texts."""
    assert not stored_as("1024Mi", "1Gi", tuple(path.split(".")))


def test_defaults_are_known_where_they_belong() -> None:
    """A default inside a value that is merged as a whole is no difference; the same field elsewhere is one."""
    port: Any = {"port": 80}
    filled: Any = {"port": 80, "protocol": "TCP"}
    words = ("spec", "ingress")
    assert stored_as([{"ports": [port]}], [{"ports": [filled]}], words)
    assert not stored_as([{"ports": [port]}], [{"ports": [{**port, "protocol": "UDP"}]}], words)
    assert not stored_as([{"ports": [port]}], [{"ports": [filled]}], ("spec", "elsewhere"))
    assert not stored_as([{"ports": [port, port]}], [{"ports": [filled]}], words)
    assert not stored_as([{"ports": [filled]}], [{"ports": [port]}], words)


def test_what_is_empty_may_be_left_out_where_the_server_does() -> None:
    """An empty text of a variable is not kept; a truth value that can be absent is something else than false."""
    assert left_out("", ("spec", "containers", "env", "value"))
    no = False
    assert left_out(no, ("spec", "template", "spec", "hostNetwork"))
    assert not left_out(0, ("spec", "template", "spec", "hostNetwork"))
    assert not left_out(no, ("spec", "securityContext", "runAsNonRoot"))
    assert not left_out([], ("spec", "egress"))

"""Mistakes that admission hides behind what an object lacks."""

import pytest

from orchestrator.errors import ClusterError
from orchestrator.stack.model import Json
from orchestrator.workloads.cluster.answers import Invalid
from orchestrator.workloads.cluster.lacking import Lack
from orchestrator.workloads.cluster.requests import Submission
from orchestrator.workloads.planning.asking.unhindered import mistakes_of_fields, without_named
from tests.workloads.builders import ref


@pytest.mark.parametrize(
    ("kind", "left"),
    [
        (("", "ServiceAccount"), {"priorityClassName", "containers"}),
        (("scheduling.k8s.io", "PriorityClass"), {"serviceAccountName", "serviceAccount", "containers"}),
        (("node.k8s.io", "RuntimeClass"), None),
        (("", "ResourceQuota"), None),
    ],
)  # fmt: skip
def test_a_pod_is_asked_about_without_what_names_it(
    kind: tuple[str, str], left: set[str] | None
) -> None:
    """Only the fields that name what is lacking go; where nothing names it, nobody is asked."""
    spec: dict[str, Json] = {
        "serviceAccountName": "a",
        "serviceAccount": "a",
        "priorityClassName": "b",
        "containers": [],
    }
    asked = Submission(ref=ref("Pod"), manifest={"kind": "Pod", "spec": spec})
    found = without_named(asked, Lack(kinds=frozenset({kind}), namespace="shop", name="a"))
    assert (found and set(found.manifest["spec"])) == left  # type: ignore[arg-type]


def test_only_what_is_said_of_a_field_is_certain() -> None:
    """A policy may speak of the very account that was left out, and so may a field's own mistake."""
    causes = {
        "spec.a: wrong": "spec.a",
        "denied by policy x": "",
        "no class": "spec.priorityClassName",
    }
    found = mistakes_of_fields(Invalid("Pod shop/it is not valid: all", causes=causes, hint="h"))
    assert found is not None
    assert (found.message, found.hint) == ("Pod shop/it is not valid: spec.a: wrong", "h")
    assert mistakes_of_fields(Invalid("it is not valid: denied", causes={"denied": ""})) is None
    assert mistakes_of_fields(ClusterError("was refused")) is None
    assert mistakes_of_fields(None) is None

"""Namespaces that are about to go, and the ledgers in them: what counts as going, and how a refusal says so."""

from collections.abc import Mapping

import pytest

from orchestrator.engine.planning.housed import doomed_namespaces, kept_in, refusal
from orchestrator.errors import AccessDenied, PlanRefused
from orchestrator.plans.change import Action
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.stack.model import Json, UnitId
from orchestrator.workloads.planning.steps import ObjectStep, SetPlan

UNIT = UnitId("manifests.platform")


def ref(name: str, kind: str = "Namespace", group: str = "") -> ObjectRef:
    """Return an object in no namespace."""
    return ObjectRef(group=group, version="v1", kind=kind, namespace="", name=name)


def test_namespaces_that_are_deleted_or_made_anew() -> None:
    """Other objects, another group's Namespace, and what is changed in place are none of these."""
    steps = {"anew": Action.REPLACE, "changed": Action.UPDATE, "made": Action.CREATE}
    plan = SetPlan(
        unit=UNIT,
        steps=tuple(
            ObjectStep(ref=ref(name), action=action, manifest={}) for name, action in steps.items()
        ),
        prune=tuple(
            OwnedObject(ref=each, unit=UNIT)
            for each in (ref("gone"), ref("mine", group="example.com"), ref("r", kind="Role"))
        ),
        forgotten=(ref("kept"),),
    )
    assert doomed_namespaces([plan]) == {"anew": False, "gone": True}


def test_a_refusal_names_whose_ledgers_would_go() -> None:
    """The first of them; what is made anew cannot stay as it is."""
    one = refusal("platform", ["shop/default"], stays=False)
    assert one.message == (
        "Namespace platform would be deleted and made anew, and with it the ledger of shop/default, kept there"
    )
    assert "prune=disabled" not in one.hint
    many = refusal("platform", [f"shop/{number}" for number in range(7)], stays=True)
    assert "the ledgers of shop/0, shop/1, shop/2, shop/3, shop/4 and 2 more, kept" in many.message
    assert "kubectl annotate namespace platform orchestrator/prune=disabled" in many.hint


class Closed:
    """A namespace that may not be looked into."""

    title = "the namespace platform of a cluster"

    def get(self, kind: str, name: str) -> None:
        """Find nothing."""

    def put(self, manifest: Mapping[str, Json]) -> None:
        """Keep nothing."""

    def drop(self, kind: str, name: str, *, version: str) -> bool:
        """Have nothing to drop."""
        return not (kind and name and version)

    def select(self, kind: str, labels: Mapping[str, str]) -> list[Mapping[str, Json]]:
        """Refuse to list."""
        raise AccessDenied(f"you may not list {kind} of {len(labels)} label")

    def labels(self, kind: str, selector: str) -> list[Mapping[str, Json]]:
        """Refuse to list."""
        raise AccessDenied(f"you may not list {kind} by {selector}")


def test_where_nobody_may_look_nothing_is_deleted() -> None:
    """What cannot be told is no proof that there are no ledgers."""
    with pytest.raises(PlanRefused, match="cannot be told: you may not list ConfigMap by"):
        kept_in(Closed(), "platform")

from orchestrator.plans.objects import Owner
from orchestrator.stack.model import Json, UnitId
from orchestrator.workloads.ownership import (
    forced,
    marked,
    owner_of,
    prunable,
    selector,
    unit_of,
    waited_for,
)
from tests.workloads.builders import OWNER

UNIT = UnitId("manifests.shop")


def manifest(**metadata: Json) -> dict[str, Json]:
    """Return a manifest with this metadata."""
    return {"kind": "ConfigMap", "metadata": {"name": "a", **metadata}}


def test_marks_tell_owner_and_unit() -> None:
    """A marked object says whose it is and which unit applied it."""
    found = marked(manifest(), owner=OWNER, unit=UNIT)
    assert owner_of(found) == OWNER
    assert unit_of(found) == UNIT


def test_marks_keep_what_the_manifest_says() -> None:
    """Labels and annotations of the manifest stay beside ours, and the manifest itself is not changed."""
    own = manifest(labels={"team": "a"}, annotations={"note": "b"})
    found = marked(own, owner=OWNER, unit=UNIT)
    assert found["metadata"]["labels"]["team"] == "a"  # type: ignore[index,call-overload]
    assert found["metadata"]["annotations"]["note"] == "b"  # type: ignore[index,call-overload]
    assert own == manifest(labels={"team": "a"}, annotations={"note": "b"})


def test_an_object_without_marks_is_nobodys() -> None:
    """One label alone does not make an owner."""
    assert owner_of(manifest()) is None
    assert owner_of(manifest(labels={"orchestrator/stack": "shop"})) is None


def test_the_selector_finds_exactly_an_owners_objects() -> None:
    """Stack and environment are both asked for: environments live side by side in one cluster."""
    owner = Owner(stack="shop", environment="staging")
    assert selector(owner) == "orchestrator/stack=shop,orchestrator/environment=staging"


def test_objects_opt_out_by_annotation() -> None:
    """Pruning, waiting and conflicts can be decided per object."""
    assert prunable(manifest())
    assert not prunable(manifest(annotations={"orchestrator/prune": "disabled"}))
    assert waited_for(manifest())
    assert not waited_for(manifest(annotations={"orchestrator/wait": "disabled"}))
    assert not forced(manifest())
    assert forced(manifest(annotations={"orchestrator/force": "enabled"}))

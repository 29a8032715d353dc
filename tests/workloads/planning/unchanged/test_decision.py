from typing import Any

import pytest

from orchestrator.workloads.planning.unchanged.decision import Shape, Walked, unchanged

Manifest = dict[str, Any]


def manifest(**fields: Any) -> Manifest:
    """Return a custom resource as a manifest has it."""
    metadata = {"name": "web", "namespace": "shop", "labels": {"app": "web"}}
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata, **fields}


def live(manifest: Manifest, fields: Manifest, **entry: Any) -> Manifest:
    """Return it as the server has it: with what it adds, and our entry for ``fields`` and the label."""
    ours = {
        "manager": "orchestrator",
        "operation": "Apply",
        "apiVersion": "example.com/v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:labels": {"f:app": {}}}, **fields},
        "time": "2026-01-01T00:00:00Z",
        **entry,
    }
    status = {**ours, "subresource": "status", "fieldsV1": {"f:status": {"f:ready": {}}}}
    metadata = {**manifest["metadata"], "uid": "u", "managedFields": [status, ours]}
    return {**manifest, "metadata": metadata, "status": {"ready": True}}


def spec(value: Any) -> Manifest:
    """Return a manifest of one field."""
    return manifest(spec={"field": value})


def owned(fields: Manifest) -> Manifest:
    """Return the set of fields in which that one is."""
    return {"f:spec": {"f:field": fields}}


def decide(wanted: Any, there: Any, fields: Manifest) -> dict[Shape, tuple[str, ...]] | None:
    """Decide about one field, by what is wanted, live and applied by us; return how it was walked, with keys."""
    found = unchanged(spec(wanted), live(spec(there), owned(fields)))
    if found is None:
        return None
    return {item.shape: item.keys for item in found if item.words == ("spec", "field")}


ELEMENTS: Manifest = {
    'k:{"port":53,"protocol":"TCP"}': {".": {}, "f:port": {}},
    'k:{"port":53,"protocol":"UDP"}': {".": {}, "f:port": {}, "f:protocol": {}},
}
SPELT: Manifest = {key: {".": {}, "f:port": {}, "f:protocol": {}} for key in ELEMENTS}
TCP, UDP = {"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}


@pytest.mark.parametrize(
    ("wanted", "there", "fields", "walked"),
    [
        ("a", "a", {}, {}),
        ({}, {}, {}, {}),
        ({"a": 1}, {"a": 1, "b": 2}, {"f:a": {}}, {Shape.FIELDS: ()}),
        (["b", "a"], ["b", "x", "a"], {'v:"a"': {}, 'v:"b"': {}}, {Shape.SET: ()}),
        ([{"port": 53}, UDP], [TCP, UDP], ELEMENTS, {Shape.KEYED: ("port", "protocol")}),
        (
            [UDP, {"port": 53}],
            [UDP, {"port": 1, "protocol": "TCP"}, TCP],
            ELEMENTS,
            {Shape.KEYED: ("port", "protocol")},
        ),
        (["a"], ["a"], {}, {Shape.WHOLE_LIST: ()}),
        ([], [], {}, {Shape.WHOLE_LIST: ()}),
        ({"a": 1}, {"a": 1}, {}, {Shape.WHOLE_MAP: ()}),
    ],
)
def test_what_is_applied_and_live_is_unchanged(
    wanted: Any, there: Any, fields: Manifest, walked: dict[Shape, tuple[str, ...]]
) -> None:
    """What the set names, the manifest wants and the object has is unchanged, whatever others add.

    The set does not tell an atomic list from a merged one that was empty once, nor what a schema says by now:
    how values were compared is told, since the caller has to know whether they are merged so.
    """
    assert decide(wanted, there, fields) == walked


def test_elements_are_walked_as_one() -> None:
    """What is below the elements of a list is told once for all of them."""
    found = unchanged(spec([TCP, UDP]), live(spec([TCP, UDP]), owned(SPELT)))
    assert found is not None
    assert Walked(words=("spec", "field", "[]"), shape=Shape.FIELDS) in found
    assert len(found) == len({"the object", "metadata", "labels", "spec", "field", "elements"})


@pytest.mark.parametrize(
    ("wanted", "there", "fields"),
    [
        pytest.param("a", "b", {}, id="another value"),
        pytest.param(1, True, {}, id="a number and a truth value"),
        pytest.param(1, 1.0, {}, id="a whole number and a fraction"),
        pytest.param(80, "80", {}, id="a number and a text"),
        pytest.param(None, None, {}, id="null"),
        pytest.param({}, {"a": 1}, {}, id="empty, and filled by others"),
        pytest.param({"a": 1}, {"a": 1}, {"f:a": {}, "f:b": {}}, id="wanted no longer"),
        pytest.param({"a": 1, "b": 2}, {"a": 1, "b": 2}, {"f:a": {}}, id="live, but not ours"),
        pytest.param({"a": 1}, {}, {"f:a": {}}, id="gone"),
        pytest.param("a", "a", {"f:a": {}}, id="another shape"),
        pytest.param(["a", "b"], ["b", "a"], {'v:"a"': {}, 'v:"b"': {}}, id="a set reordered"),
        pytest.param(["a"], ["a", "a"], {'v:"a"': {}}, id="twice in the live set"),
        pytest.param(["a", "a"], ["a"], {'v:"a"': {}, 'v:"b"': {}}, id="twice in the manifest"),
        pytest.param(["1"], ["1"], {"v:1": {}}, id="a set of another type"),
        pytest.param([UDP, {"port": 53}], [TCP, UDP], ELEMENTS, id="a keyed list reordered"),
        pytest.param(
            [TCP, UDP], [TCP, UDP], ELEMENTS, id="a key that used to be left to its default"
        ),
        pytest.param([{"port": 53}] * 2, [TCP, UDP], ELEMENTS, id="the same element twice"),
        pytest.param([{"port": 53}, UDP], [TCP, UDP, TCP], ELEMENTS, id="a live element twice"),
        pytest.param(["a"], ["a", "b"], {}, id="one value, longer by now"),
        pytest.param(["a"], ["a"], {"i:0": {}}, id="a notation that is not known"),
    ],
)
def test_whatever_does_not_fit_is_asked(wanted: Any, there: Any, fields: Manifest) -> None:
    """One difference in value, type, order or ownership is enough to leave the answer to the server."""
    assert decide(wanted, there, fields) is None


@pytest.mark.parametrize(
    "entry",
    [
        {"manager": "kubectl"},
        {"operation": "Update"},
        {"subresource": "scale"},
        {"apiVersion": "example.com/v1beta1"},
        {"fieldsType": "FieldsV2"},
    ],
)
def test_without_our_own_entry_the_server_is_asked(entry: Manifest) -> None:
    """Only what this manager applied to the object itself, in the manifest's version, tells anything."""
    assert unchanged(spec("a"), live(spec("a"), owned({}), **entry)) is None


def test_two_entries_of_ours_are_none() -> None:
    """More than one entry is nothing that a server writes: it is asked."""
    there = live(spec("a"), owned({}))
    entries = there["metadata"]["managedFields"]
    entries.append({**entries[1]})
    assert unchanged(spec("a"), there) is None


def test_an_object_on_its_way_out_is_asked_about() -> None:
    """An object that is being deleted is never called unchanged."""
    there = live(spec("a"), owned({}))
    there["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert unchanged(spec("a"), there) is None


@pytest.mark.parametrize("field", ["uid", "resourceVersion", "generation", "creationTimestamp"])
def test_a_manifest_with_what_the_server_sets_is_asked_about(field: str) -> None:
    """What no set ever names, such as a precondition, is for the server to judge."""
    wanted = spec("a")
    there = live(spec("a"), owned({}))
    wanted["metadata"] = {**wanted["metadata"], field: None}
    assert unchanged(wanted, there) is None


def built_in(value: Any, kept: Any, *, others: Manifest | None = None) -> bool:
    """Whether a built-in object is unchanged whose limit is written and kept like this."""
    wanted = manifest(spec={"hard": {"cpu": value}})
    there = live(manifest(spec={"hard": {"cpu": kept}}), {"f:spec": {"f:hard": {"f:cpu": {}}}})
    if others is not None:
        entries = there["metadata"]["managedFields"]
        entries.append({**entries[1], "manager": "other", **others})
    return unchanged(wanted, there, built_in=True) is not None


def test_an_amount_in_another_form_is_unchanged_while_nobody_else_owns_it() -> None:
    """The server keeps ``0.5`` as ``500m``; to another owner of the field, applying ``0.5`` is a conflict."""
    limit: Manifest = {"f:spec": {"f:hard": {"f:cpu": {}}}}
    assert built_in("0.5", "500m")
    assert built_in("0.5", "500m", others={"fieldsV1": {"f:spec": {}}})
    assert not built_in("0.5", "500m", others={"fieldsV1": limit})
    assert not built_in("0.5", "500m", others={"apiVersion": "example.com/v2", "fieldsV1": {}})
    assert built_in("500m", "500m", others={"fieldsV1": limit})
    assert not built_in("0.5", "600m")


def test_a_custom_kind_keeps_amounts_as_written() -> None:
    """Where a schema only says text, ``0.5`` and ``500m`` are two values."""
    wanted = manifest(spec={"limits": {"cpu": "0.5"}})
    there = live(
        manifest(spec={"limits": {"cpu": "500m"}}), {"f:spec": {"f:limits": {"f:cpu": {}}}}
    )
    assert unchanged(wanted, there) is None

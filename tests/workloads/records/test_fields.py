"""Sets of fields as the server records them, what is left to us, and the patches that follow; all pure."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.workloads.cluster.immutability import immutable
from orchestrator.workloads.planning.asking.merging import merge_patch
from orchestrator.workloads.planning.taking_over.leaving import left_to_others, who_keeps
from orchestrator.workloads.planning.taking_over.succession import (
    Succession,
    by_hand,
    handed_over,
    heirless,
    losers,
    outliving,
    predecessors,
)
from orchestrator.workloads.records.fields import entries, shown, union, without

_WEB = 'k:{"name":"web"}'
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def live(*records: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """Return an object with these records of who set what."""
    return {"metadata": {"uid": "1", "managedFields": list(records), **metadata}}


def record(
    manager: str, *fields: str, operation: str = "Update", subresource: str = ""
) -> dict[str, Any]:
    """Return a record of fields of ``data``."""
    told: dict[str, Any] = {"f:data": {f"f:{name}": {} for name in fields}}
    more = {"subresource": subresource} if subresource else {}
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "time": "2026-01-31T12:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": told,
        **more,
    }


def ours(*fields: str) -> dict[str, Any]:
    """Return our own record."""
    return record("orchestrator", *fields, operation="Apply")


def wanted(*fields: str) -> Succession:
    """Return what is left to us when Git declares these fields."""
    return Succession(wanted=frozenset(("f:data", f"f:{name}") for name in fields))


def names(found: Any) -> list[str]:
    """Return paths as people write them, without ``data.``."""
    return sorted(shown(path).removeprefix("data.") for path in found)


def test_a_record_is_read_and_written_as_the_server_has_it() -> None:
    """Members, what is inside of them, elements of lists and of sets survive reading and writing."""
    tree = {
        "f:spec": {
            "f:containers": {_WEB: {".": {}, "f:name": {}, "f:args": {}}},
            "f:finalizers": {'v:"a"': {}, ".": {}},
        },
        "f:empty": {},
    }
    (entry,) = entries(live({**ours(), "fieldsV1": tree}))
    assert entry.holding(entry.fields)["fieldsV1"] == tree
    assert names(entry.fields) == [
        "empty",
        "spec.containers[name=web]",
        "spec.containers[name=web].args",
        "spec.containers[name=web].name",
        "spec.finalizers",
        'spec.finalizers["a"]',
    ]


def test_taking_fields_away() -> None:
    """Fields, elements of keyed lists and of sets go; the key of an element that stays does not."""
    value: dict[str, Any] = {
        "a": 1,
        "list": [{"name": "web", "x": 1, "y": 2}, {"name": "side"}],
        "set": ["a", "b"],
    }
    gone = frozenset(
        {
            ("f:a",),
            ("f:list", _WEB, "f:x"),
            ("f:list", _WEB, "f:name"),
            ("f:list", 'k:{"name":"side"}'),
            ("f:set", 'v:"b"'),
            ("f:not", "f:there"),
        }
    )
    assert without(value, gone) == {"list": [{"name": "web", "y": 2}], "set": ["a"]}


@pytest.mark.parametrize(
    ("manager", "hand"),
    [
        ("kubectl-edit", True),
        ("kubectl (scale)", True),
        ("k9s", True),
        ("k9s (scale)", True),
        ("Mozilla", True),
        ("k9s-operator", False),
        ("lenses-operator", False),
        ("kubectld", False),
        ("node-fetch", False),
        ("kubectl (status)", False),
        ("kube-controller-manager", False),
        ("kustomize-controller", False),
        ("helm", False),
    ],
)
def test_who_sets_fields_by_hand(manager: str, hand: bool) -> None:  # noqa: FBT001 - a case
    """The tools of people are known by the names under which they write."""
    assert by_hand(manager) is hand


def test_what_kubectl_applied_is_left_to_us_whole() -> None:
    """All of its fields become ours; those that nobody declares go, but for those of others."""
    found = live(
        record("kubectl-client-side-apply", "a", "b", "c"),
        record("controller", "c", "d"),
    )
    succession = wanted("a")
    assert predecessors(found, succession) == ("kubectl-client-side-apply",)
    assert names(outliving(found, succession)) == ["b"]
    managed = handed_over(found, succession)
    assert managed is not None
    after = entries(live(*managed))  # type: ignore[arg-type]
    assert [(entry.manager, entry.operation, names(entry.fields)) for entry in after] == [
        ("controller", "Update", ["c", "d"]),
        ("orchestrator", "Apply", ["a", "b", "c"]),
    ]


def test_what_was_edited_is_left_to_us_as_far_as_git_declares_it() -> None:
    """A person's other fields stay that person's."""
    found = live(ours("a", "b"), record("kubectl-edit", "b", "note"))
    succession = wanted("a")
    assert names(outliving(found, succession)) == ["b"]
    managed = handed_over(found, succession)
    assert managed is not None
    after = entries(live(*managed))  # type: ignore[arg-type]
    assert [(entry.manager, names(entry.fields)) for entry in after] == [
        ("kubectl-edit", ["note"]),
        ("orchestrator", ["a", "b"]),
    ]


def test_nothing_is_handed_over_twice() -> None:
    """Once it is done there is nothing left to do: the next plan has nothing to show."""
    found = live(record("kubectl-client-side-apply", "a"), record("kubectl-edit", "a", "x"))
    managed = handed_over(found, wanted("a"))
    assert managed is not None
    after = live(*managed)  # type: ignore[arg-type]
    assert handed_over(after, wanted("a")) is None
    assert heirless(after)
    assert not heirless(found)


def test_what_had_no_record_counts_as_applied_only_with_the_manifest() -> None:
    """All that was there before records began is no declaration, unless kubectl's own annotation says so."""
    before = record("before-first-apply", "a", "b")
    assert outliving(live(before), wanted("a")) == frozenset()
    declared = live(before, annotations={_LAST_APPLIED: "{}"})
    assert names(outliving(declared, wanted("a"))) == ["b"]


def test_a_status_is_nobodys_inheritance() -> None:
    """What a person wrote to the status stays out of it."""
    found = live(ours("a"), record("kubectl-edit", "a", subresource="status"))
    assert handed_over(found, wanted("a")) is None


def test_who_loses_fields() -> None:
    """Managers that set fewer fields after an apply than before it; people through a subresource too."""
    before = live(ours("a"), record("one", "a", "b"), record("two", "c", subresource="scale"))
    after = live(ours("a", "c"), record("one", "a", "b"))
    assert losers(before, after) == {"two (scale)"}


def test_what_is_left_to_others() -> None:
    """Only what the manifest sets, others set, and we do not; never what people set, nor our marks."""
    found = live(
        ours("mine"),
        record("controller", "theirs", "mine", "elsewhere"),
        record("kubectl-edit", "edited"),
    )
    manifest: dict[str, Any] = {"data": {"theirs": 1, "mine": 2, "edited": 3}}
    left = left_to_others(manifest, found)
    assert names(left) == ["theirs"]
    assert who_keeps(found, left) == ("leaves data.theirs to controller",)
    marks: dict[str, Any] = {"f:metadata": {"f:labels": {"f:orchestrator/stack": {}}}}
    stolen = live({**record("controller"), "fieldsV1": marks})
    marked: dict[str, Any] = {"metadata": {"labels": {"orchestrator/stack": "shop"}}}
    assert left_to_others(marked, stolen) == frozenset()


_JSON = st.recursive(
    st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
_OBJECTS = st.dictionaries(st.text().filter(lambda key: key not in {"metadata", "status"}), _JSON)


def merged(before: Any, patch: Any) -> Any:
    """Apply a merge patch as RFC 7386 says."""
    if not isinstance(patch, dict):
        return patch
    result = dict(before) if isinstance(before, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


@given(before=_OBJECTS, after=_OBJECTS)
def test_a_merge_patch_makes_the_one_of_the_other(before: Any, after: Any) -> None:
    """Whatever two objects look like, applying their difference to the first gives the second."""
    assert merged(before, merge_patch(before, after)) == after


@given(fields=st.frozensets(st.lists(st.sampled_from(["f:a", "f:b", _WEB]), min_size=1).map(tuple)))
def test_a_set_of_fields_survives_being_written(fields: frozenset[tuple[str, ...]]) -> None:
    """Writing any set and reading it again gives the same set."""
    (entry,) = entries(live(ours()))
    assert union(entries(live(entry.holding(fields)))) == fields


_STATEFUL = (
    "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' "
    "are forbidden"
)
_CLAIM = (
    "Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName "
    "for bound claims\n@@ -1 +1 @@\n- a\n+ b"
)


@pytest.mark.parametrize(
    ("field", "text", "forbidden", "allowed"),
    [
        ("spec.selector", "field is immutable", "spec.selector.matchLabels.app", "spec.replicas"),
        ("spec.clusterIPs[0]", "may not change once set", "spec.clusterIP", "spec.ports"),
        ("roleRef", "cannot change roleRef", "roleRef.name", "subjects"),
        ("value", "Forbidden: may not be changed in an update.", "value", "description"),
        ("spec", _STATEFUL, "spec.volumeClaimTemplates[0].spec", "spec.replicas"),
        ("spec", _CLAIM, "spec.accessModes", "spec.resources.requests.storage"),
        ("spec.b", "failed rule: self == oldSelf", "spec.b", "spec.bc"),
        ("spec.a", "a is immutable", "spec.a", "spec.b"),
        (
            "spec",
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.tolerations`",
            "spec.containers[name=a].command",
            "spec.containers[name=a].image",
        ),
    ],
)
def test_the_servers_words_for_what_cannot_be_changed(
    field: str, text: str, forbidden: str, allowed: str
) -> None:
    """Each kind has its own; what it lists as changeable forces nothing."""
    error = immutable("Thing a/b", [(field, text)], "")
    assert error is not None
    assert error.forbids(forbidden)
    assert not error.forbids(allowed)
    assert "\n" not in error.message


def test_other_refusals_are_no_reason_to_replace() -> None:
    """What is plainly wrong is not mended by deleting the object."""
    for text in (
        "Invalid value: -1: must be greater than or equal to 0",
        "Required value",
        json.dumps({}),
    ):
        assert immutable("Thing a/b", [("spec.replicas", text)], text) is None

"""The pure half of drift: who owns what, what is remembered, and what is taken out of a manifest."""

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plans.change import Action, Touch
from orchestrator.plans.objects import OwnedObject
from orchestrator.stack.expressions import Path, Pending
from orchestrator.stack.model import Drift, Ignored, UnitId
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.ownership import marked, salt_in
from orchestrator.workloads.planning.drift.memory import Memory, in_common, leaves_of, remember
from orchestrator.workloads.planning.drift.salts import salted, salts_for
from orchestrator.workloads.planning.drift.survey import moved, survey, told, without
from orchestrator.workloads.planning.drift.upkeep import Surveyed
from orchestrator.workloads.records.owned import records_of, unowned
from tests.workloads.builders import OWNER, ref

MOMENTS = ("2026-03-14T09:26:53Z", "2026-03-14T09:27:00Z")
OWNED: dict[str, Any] = {
    "f:spec": {
        "f:replicas": {},
        "f:selector": {},
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"web"}': {
                        ".": {},
                        "f:name": {},
                        "f:image": {},
                        "f:ports": {
                            'k:{"containerPort":80,"protocol":"TCP"}': {
                                ".": {},
                                "f:containerPort": {},
                            }
                        },
                    }
                }
            }
        },
    }
}


def deployment(**spec: Any) -> dict[str, Any]:
    """Return a Deployment of one container."""
    container = {"name": "web", "image": "a", "ports": [{"containerPort": 80}]}
    pods = {"spec": {"containers": [container]}}
    fields = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": pods, **spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": fields,
    }


def wanted(value: dict[str, Any], **more: Any) -> WantedObject:
    """Return an object of the shop."""
    found = ref(str(value["kind"]))
    return WantedObject(
        unit=UnitId("manifests.shop"), value=value, ref=found, title=str(found), **more
    )


def entry(manager: str, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return one record of who owns what."""
    return {
        "manager": manager,
        "operation": "Apply" if manager == "orchestrator" else "Update",
        "apiVersion": "apps/v1",
        "time": MOMENTS[0],
        "fieldsV1": fields,
        **more,
    }


def live(*entries: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """Return the live Deployment with these records."""
    value = deployment(**spec)
    return {**value, "metadata": {**value["metadata"], "managedFields": [*entries]}}


def owned_without(*path: str) -> dict[str, Any]:
    """Return our record after somebody took a field out of it."""

    def cut(node: dict[str, Any], steps: tuple[str, ...]) -> dict[str, Any]:
        head, *rest = steps
        kept = {key: item for key, item in node.items() if key != head}
        inner = cut(node[head], tuple(rest)) if rest else {}
        return {**kept, head: inner} if inner else kept  # what holds nothing is in no record

    return cut(OWNED, path)


def test_all_that_was_applied_is_owned() -> None:
    """Names, atomic maps, and elements whose defaulted key the manifest leaves out are no drift."""
    (record,) = records_of(live(entry("orchestrator", OWNED)))
    assert list(unowned(deployment(), record)) == []


@pytest.mark.parametrize(
    ("taken", "paths"),
    [
        (("f:spec", "f:replicas"), [("spec", "replicas")]),
        (("f:spec", "f:selector"), [("spec", "selector", "matchLabels", "app")]),
        (
            ("f:spec", "f:template", "f:spec", "f:containers"),
            [("spec", "template", "spec", "containers")],
        ),
    ],
)
def test_what_left_our_record_is_found(taken: tuple[str, ...], paths: list[Path]) -> None:
    """A field that somebody wrote or removed is not in our record any more."""
    (record,) = records_of(live(entry("orchestrator", owned_without(*taken))))
    assert list(unowned(deployment(), record)) == paths


def test_an_element_that_lost_all_but_itself_is_found() -> None:
    """A container of which only the place in the list is ours is told as a whole."""
    fields = owned_without("f:spec", "f:template")
    fields["f:spec"]["f:template"] = {"f:spec": {"f:containers": {'k:{"name":"web"}': {".": {}}}}}
    (record,) = records_of(live(entry("orchestrator", fields)))
    assert list(unowned(deployment(), record)) == [("spec", "template", "spec", "containers", 0)]


def test_what_others_wrote_to_the_status_is_no_record_of_drift() -> None:
    """Controllers write the status of everything, all the time."""
    status = entry("kube-controller-manager", {"f:status": {}}, subresource="status")
    assert [item.manager for item in records_of(live(status, entry("orchestrator", OWNED)))] == [
        "orchestrator"
    ]


def test_an_empty_record_owns_nothing() -> None:
    """A manager whose fields all went to others may be left with a record of none."""
    (record,) = records_of(live(entry("robot", {})))
    assert not record.owns(deployment(), ("spec", "replicas"))


def test_drift_is_what_git_wants_as_before_and_we_own_no_more() -> None:
    """The last writer is named; what Git changed since the last apply is Git's."""
    there = live(
        entry("orchestrator", owned_without("f:spec", "f:replicas")),
        entry("kubectl", {"f:spec": {"f:replicas": {}}}, subresource="scale", time=MOMENTS[1]),
    )
    item = wanted(deployment())

    found = survey(item, there, remember(item, by_field=False))
    (path,) = found.healed
    assert path == ("spec", "replicas")
    assert str(found.healed[path]) == "by kubectl through scale at 2026-03-14 09:27:00 UTC"

    changed = wanted(deployment(replicas=2), drift=Drift.REPORT)
    known = remember(wanted(deployment(), drift=Drift.REPORT), by_field=True)
    assert survey(changed, there, known).left == {}
    same = wanted(deployment(), drift=Drift.REPORT)
    assert survey(same, there, known).left.keys() == {("spec", "replicas")}
    kept: Any = survey(same, there, known).item.value
    assert "replicas" not in kept["spec"]


def test_what_our_own_run_may_have_taken_out_is_nobody_elses() -> None:
    """A field that one of two manifests leaves out is Git's change; one that both have was taken by others."""
    with_size = wanted(deployment(paused=True, replicas=1), drift=Drift.REPORT)
    without_it = wanted(deployment(replicas=1), drift=Drift.REPORT)
    there = live(
        entry("orchestrator", owned_without("f:spec", "f:replicas")),
        entry("kubectl", {"f:spec": {"f:replicas": {}}}, subresource="scale", time=MOMENTS[1]),
    )
    applied, sent = remember(with_size, by_field=True), remember(without_it, by_field=True)
    lost = {("spec", "paused"), ("spec", "replicas")}
    assert survey(with_size, there, applied).left.keys() == lost
    both = in_common(applied, sent)
    assert survey(with_size, there, both).left.keys() == {("spec", "replicas")}


def test_what_is_as_it_is_wanted_is_in_doubt_no_more() -> None:
    """Of what an apply leaves as it is, all is remembered: what Git took over from others, too, is Git's.

    A memory of the very same stays as it is.
    """
    item = wanted(deployment(), drift=Drift.REPORT)
    whole, same = remember(item, by_field=True), remember(wanted(deployment()), by_field=False)
    older = remember(wanted({**deployment(), "data": {"colour": "red"}}), by_field=True)
    for before, after in ((".", whole), (older, whole), (same, same)):
        owned = OwnedObject(ref=ref("Deployment"), unit=item.unit, uid="u", fingerprint=before)
        surveyed = Surveyed(inventory={owned.ref: owned}, found={})
        assert surveyed.remembered(item, Action.NO_OP) == after


def test_without_a_memory_the_later_writer_counts() -> None:
    """Objects that an earlier version applied have no hash in the inventory: then time decides."""
    ours = owned_without("f:spec", "f:replicas")
    later = entry("kubectl-edit", {"f:spec": {"f:replicas": {}}}, time=MOMENTS[1])
    earlier = entry("kubectl-edit", {"f:spec": {"f:replicas": {}}}, time=MOMENTS[0])
    item = wanted(deployment())
    assert survey(item, live(entry("orchestrator", ours), later), "").healed
    ours_is_newer = entry("orchestrator", ours, time=MOMENTS[1])
    assert not survey(item, live(ours_is_newer, earlier), "").healed


def test_another_version_of_the_api_tells_nothing() -> None:
    """The paths of a record are those of its version: where the manifest has another, nobody is blamed."""
    ours = entry("orchestrator", owned_without("f:spec", "f:replicas"), apiVersion="apps/v1beta1")
    item = wanted(deployment())
    assert survey(item, live(ours), remember(item, by_field=False)).healed == {}


@pytest.mark.parametrize("drift", list(Drift))
def test_what_is_left_stays_left_in_another_version_of_the_api(drift: Drift) -> None:
    """What a rule names and others set is theirs, and so is what Git wants in the place and as it was applied."""
    before = wanted({**deployment(), "apiVersion": "apps/v1beta1"}, drift=drift)
    known = remember(before, by_field=drift is not Drift.HEAL)
    lost = owned_without("f:spec", "f:replicas")
    lost["f:spec"].pop("f:selector")
    there = live(
        entry("orchestrator", lost, apiVersion="apps/v1beta1"),
        entry("kubectl", {"f:spec": {"f:replicas": {}, "f:selector": {}}}, time=MOMENTS[1]),
    )
    heals = drift is Drift.HEAL
    found = survey(wanted(deployment(paused=True), drift=drift), there, known)
    selector: Path = ("spec", "selector", "matchLabels", "app")
    assert found.left.keys() == (set() if heals else {("spec", "replicas"), selector})
    assert (found.healed, found.former) == ({}, "apps/v1beta1")
    moved_on = wanted(deployment(replicas=2, paused=True), drift=drift)
    assert survey(moved_on, there, known).left.keys() == (set() if heals else {selector})
    rule = Ignored(paths=("/spec/replicas", "/spec/paused"))
    ruled = survey(replace(moved_on, ignore=(rule,)), there, known)
    assert ruled.ignored == {("spec", "replicas")}
    kept: Any = ruled.item.value
    assert "replicas" not in kept["spec"]
    assert kept["spec"]["paused"]


@pytest.mark.parametrize(
    ("pointer", "paths"),
    [
        ("/spec/replicas", {("spec", "replicas")}),
        ("/spec/template/spec/containers/0/image", {("image",)}),
        ("/spec/template/spec/containers/web/image", {("image",)}),
        ("/spec/template/spec/containers/*/image", {("image",)}),
        ("/spec/template/spec/containers/log/image", set()),
        ("/spec/nothing", set()),
    ],
)
def test_pointers_lead_to_fields(pointer: str, paths: set[Path]) -> None:
    """An element of a list is meant by its place, its name or a star."""
    others: dict[str, Any] = {
        "f:spec": {
            "f:replicas": {},
            "f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:image": {}}}}},
        }
    }
    item = wanted(deployment(), ignore=(Ignored(paths=(pointer,)),))
    there = live(entry("orchestrator", OWNED), entry("robot", others))
    found = survey(item, there, "").ignored
    assert {path if len(path) == 2 else path[-1:] for path in found} == paths


@pytest.mark.parametrize(
    ("rule", "meant"),
    [
        ({}, True),
        ({"kind": "Deployment", "name": "web"}, True),
        ({"kind": "Deploy*", "name": "w?b", "namespace": "shop", "group": "apps"}, True),
        ({"kind": "StatefulSet"}, False),
        ({"name": "api"}, False),
        ({"namespace": "other"}, False),
    ],
)
def test_rules_choose_objects_by_patterns(rule: dict[str, str], *, meant: bool) -> None:
    """What a rule leaves out chooses all."""
    item = wanted(deployment(), ignore=(Ignored(paths=("/spec/replicas",), **rule),))
    there = live(entry("orchestrator", OWNED), entry("robot", {"f:spec": {"f:replicas": {}}}))
    assert bool(survey(item, there, "").ignored) is meant


def test_what_names_an_element_stays_with_the_rest_of_it() -> None:
    """A rule about a whole container leaves its name where other fields of it are applied."""
    others: dict[str, Any] = {
        "f:spec": {
            "f:template": {
                "f:spec": {
                    "f:containers": {'k:{"name":"web"}': {".": {}, "f:name": {}, "f:image": {}}}
                }
            }
        }
    }
    item = wanted(deployment(), ignore=(Ignored(paths=("/spec/template/spec/containers/web",)),))
    kept: Any = survey(item, live(entry("orchestrator", OWNED), entry("robot", others)), "").item
    (container,) = kept.value["spec"]["template"]["spec"]["containers"]
    assert container == {"name": "web", "ports": [{"containerPort": 80}]}


def test_secrets_are_found_where_elements_moved_up() -> None:
    """A secret's place is by index: it has to follow when an element before it is taken out."""
    value = deployment(env=[{"name": "A"}, {"name": "TOKEN", "value": "x"}])
    item = wanted(value, sensitive=frozenset({("spec", "env", 1, "value")}))
    kept = without(item, [("spec", "env", 0)])
    assert kept.sensitive == {("spec", "env", 0, "value")}
    assert not kept.whole
    assert without(item, [("spec", "env", 1)]).sensitive == frozenset()


def test_nothing_is_applied_empty_that_was_not() -> None:
    """A map that loses its last field goes with it: applied empty, it would be taken from who has it."""
    value = deployment(strategy={"rollingUpdate": {"maxSurge": 1}}, paused={})
    kept: Any = without(wanted(value), [("spec", "strategy", "rollingUpdate", "maxSurge")])
    assert "strategy" not in kept.value["spec"]
    assert kept.value["spec"]["paused"] == {}


def test_who_changed_what_is_told_once_and_in_order() -> None:
    """Several writers are told by time; where nobody is known, nobody is blamed."""
    first, second = (Touch(by=name) for name in ("a", "b"))
    assert told([second, first, second, Touch()]) == "changed by a and by b"
    assert told([Touch()]) == "changed outside of this stack"


def login(password: Any, **more: Any) -> WantedObject:
    """Return a Secret of a set that leaves drift, under a salt if not told otherwise."""
    value = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "web", "namespace": "shop"},
        "data": {"password": password, "user": "ada"},
    }
    return wanted(value, **{"drift": Drift.REPORT, "salt": "a salt", **more})


def test_no_secret_is_remembered_but_under_a_salt() -> None:
    """Two objects that differ in a secret alone are remembered alike: a short one could be found by trying.

    Under a salt, which the ledger has not, they are told apart, and nothing of it can be had without the salt.
    """
    one, other = ("hunter2", "hunter3")
    for by_field in (True, False):
        bare = [remember(login(text, salt=""), by_field=by_field) for text in (one, other)]
        assert bare[0] == bare[1]
    assert remember(login(one), by_field=False) == remember(login(other), by_field=False)
    told = {remember(login(text), by_field=True) for text in (one, other)}
    told |= {remember(login(text, salt="another"), by_field=True) for text in (one, other)}
    assert len(told) == 4
    unsalted = Memory.of(remember(login(one, salt=""), by_field=True)).fields
    of_each = [Memory.of(text).fields - unsalted for text in told]
    assert [len(fields) for fields in of_each] == [3] * 4  # the salt itself, and two values
    assert frozenset.intersection(*of_each) == frozenset()


def edited(name: str = "password") -> dict[str, Any]:
    """Return the live Secret of which somebody changed a value, after our last apply."""
    user: dict[str, Any] = {"f:data": {"f:user": {}}}
    theirs = entry("kubectl-edit", {"f:data": {f"f:{name}": {}}}, time=MOMENTS[1])
    live = {**login("theirs").value}
    metadata = {
        **live["metadata"],  # type: ignore[dict-item]
        "managedFields": [
            {**each, "apiVersion": "v1"} for each in (entry("orchestrator", user), theirs)
        ],
    }
    return {**live, "metadata": metadata}


def test_what_git_changes_of_a_secret_is_told_from_what_others_did() -> None:
    """As of every other field; where nothing tells it, all counts as wanted as it was applied, and stays."""
    path: Path = ("data", "password")
    before = remember(login("old"), by_field=True)
    bare = remember(login("old", salt=""), by_field=True)
    doubt = in_common(before, remember(login("new"), by_field=True))
    for item, memory, left in (
        (login("old"), before, {path}),
        (login("new"), before, set()),
        (login(Pending(references=("modules.db.password",))), before, set()),
        (login("old"), doubt, set()),  # a run may have sent the new one, and was undone
        (login("new"), bare, {path}),
        (login("new", salt="another"), before, {path}),
        (login("new", salt=""), before, {path}),
    ):
        assert survey(item, edited(), memory).left.keys() == left


def test_a_secret_that_others_deleted_took_its_salt_along() -> None:
    """Nobody can tell then whether Git changed it, which is told; of an object without secrets it can be."""
    gone = wanted(deployment(), drift=Drift.REPORT)
    for item, why in (
        (login("new", salt=""), "left as it is; whether Git"),
        (gone, "left as it is"),
    ):
        assert item.ref is not None
        memory = remember(item, by_field=True)
        owned = OwnedObject(ref=item.ref, unit=item.unit, uid="u", fingerprint=memory)
        left = Surveyed(inventory={owned.ref: owned}, found={}).left(item, None)
        assert left is not None
        assert left.reason.startswith(why)
        assert left.reason.endswith(" not known") is (item is not gone)


def test_what_git_took_over_of_a_secret_is_remembered() -> None:
    """Nothing has to be sent; and what says all that there is to say already stays as it is."""
    before, after = (remember(login(text), by_field=True) for text in ("old", "new"))
    whole = remember(login("new", salt=""), by_field=False)
    for memory, drift, remembered in (
        (before, Drift.REPORT, after),
        (after, Drift.REPORT, after),
        (whole, Drift.REPORT, after),
        (whole, Drift.HEAL, whole),
    ):
        owned = OwnedObject(ref=ref("Secret"), unit=UnitId("u"), uid="u", fingerprint=memory)
        surveyed = Surveyed(inventory={owned.ref: owned}, found={})
        assert surveyed.remembered(login("new", drift=drift), Action.NO_OP) == remembered


def test_a_secret_that_is_a_list_of_maps_is_one_value() -> None:
    """Its fields have no names that could be kept: all of it is drift, or all of it is Git's."""
    spec = ("spec", "template", "spec", "containers")
    rest: dict[str, Any] = {"sensitive": frozenset({spec}), "drift": Drift.REPORT, "salt": "s"}
    item = wanted(deployment(), **rest)
    known = remember(item, by_field=True)
    there = live(entry("orchestrator", owned_without("f:spec", "f:template")))
    assert survey(item, there, known).left.keys() == {spec}
    changed = deployment()
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "b"
    assert survey(wanted(changed, **rest), there, known).left == {}


def test_a_salt_comes_where_it_is_needed_and_stays() -> None:
    """Only where drift is left and something is secret; one that is there already is kept, and is no reason to send."""
    no_salt, own = login("x", salt=""), "0123456789abcdefABCDEF"
    (made,) = salts_for([no_salt], {}).values()
    assert salts_for([no_salt], {}) != {no_salt.ref: made}
    assert salt_in(marked({}, owner=OWNER, unit=no_salt.unit, salt=made)) == made
    healed = login("x", drift=Drift.HEAL, salt="")
    assert salts_for([healed, wanted(deployment(), drift=Drift.REPORT)], {}) == {}
    assert no_salt.ref is not None
    there: dict[str, Any] = {"metadata": {"annotations": {"orchestrator/salt": own}}}
    for item in (no_salt, healed):
        assert salts_for([item], {no_salt.ref: there}) == {item.ref: own}
        assert salted(item, {no_salt.ref: own}).salt == own
    published = replace(no_salt, value={**no_salt.value, **there})
    (fresh,) = salts_for([published], {no_salt.ref: there}).values()
    assert fresh != own
    for salt, kept in ((fresh, fresh), ("", "")):
        assert salt_in(marked(there, owner=OWNER, unit=no_salt.unit, salt=salt)) == kept
    weak: dict[str, Any] = {"metadata": {"annotations": {"orchestrator/salt": "known to all"}}}
    assert salts_for([no_salt], {no_salt.ref: weak}) != {no_salt.ref: "known to all"}


def test_what_earlier_versions_remembered_is_read() -> None:
    """A Job that was run by an earlier version, which kept the whole hash, is not run once more."""
    from orchestrator.workloads.secrecy import fingerprint_of

    item = wanted(deployment())
    assert Memory.of(fingerprint_of([item])).holds(item)
    assert not Memory.of("").holds(item)


def test_memory_is_short() -> None:
    """The inventory of 10,000 objects is read and written with every run: 16 bytes each."""
    assert len(remember(wanted(deployment()), by_field=False)) == 16


keys = st.sampled_from(["a", "b", "name", "image"])
trees = st.recursive(
    st.integers(0, 2) | st.text(max_size=2),
    lambda inner: (
        st.dictionaries(keys, inner, min_size=1, max_size=3)
        | st.lists(st.dictionaries(keys, inner, min_size=1, max_size=2), min_size=1, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(keys, trees, max_size=3), st.randoms(use_true_random=False))
def test_taking_fields_out_leaves_all_others_in_their_place(
    spec: dict[str, Any], chance: random.Random
) -> None:
    """Every field that was not taken out is there, where ``moved`` says, with its value; no other one is."""
    item = wanted(deployment(**spec))
    paths = [path for path in leaves_of(dict(item.value)) if path[0] == "spec"]
    # Elements go as a whole: part of one would be another one.
    taken = [
        path for path in chance.sample(paths, len(paths) // 2) if not any(map(_is_place, path))
    ]
    kept = without(item, taken)
    expected = {moved(path, taken): _at(item, path) for path in paths if path not in taken}
    found = {path: _at(kept, path) for path in leaves_of(dict(kept.value)) if path[0] == "spec"}
    assert found == expected


def _is_place(step: str | int) -> bool:
    return isinstance(step, int)


def _at(item: WantedObject, path: Path) -> Any:
    value: Any = dict(item.value)
    for step in path:
        value = value[step]
    return value

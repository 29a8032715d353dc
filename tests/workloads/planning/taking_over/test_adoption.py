"""Objects that are there already: nobody's are adopted, those of others only where a set may."""

from typing import Any

import pytest

from orchestrator.errors import ClusterError
from orchestrator.plans.change import Action
from orchestrator.plans.objects import Owner
from orchestrator.workloads.planning.taking_over.claims import claim_of
from tests.workloads.builders import CONFIG
from tests.workloads.ground import Ground, change_of, told
from tests.workloads.planning.taking_over.test_conflicts import CONFIGS, fields, managers

OWNER = Owner(stack="shop", environment="test")
_HELM = {
    "labels": {"app.kubernetes.io/managed-by": "Helm"},
    "annotations": {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"},
}
_FLUX = "toolkit.fluxcd.io"
_CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"labels": {"orchestrator/stack": "a", "orchestrator/environment": "b"}}, "orchestrator/a/b"),
    (_HELM, "helm/shop/web"),
    (
        {"labels": {f"kustomize.{_FLUX}/name": "a", f"kustomize.{_FLUX}/namespace": "b"}},
        "flux/b/a",
    ),
    (
        {
            "labels": {
                **_HELM["labels"],
                f"helm.{_FLUX}/name": "a",
                f"helm.{_FLUX}/namespace": "b",
            },
            "annotations": _HELM["annotations"],
        },
        "flux/b/a",
    ),
    ({"labels": {"argocd.argoproj.io/instance": "a"}}, "argocd/a"),
    (
        {"annotations": {"argocd.argoproj.io/tracking-id": "a:/ConfigMap:shop/settings"}},
        "argocd/a",
    ),
    ({"labels": {"kapp.k14s.io/app": "16"}}, "kapp/16"),
    ({"labels": {"kluctl.io/discriminator": "a"}}, "kluctl/a"),
    (
        {"ownerReferences": [{"kind": "ReplicaSet", "name": "web", "controller": True}]},
        "controller/ReplicaSet/web",
    ),
]
_NO_CLAIMS: list[dict[str, Any]] = [
    {},
    {"labels": {"app.kubernetes.io/instance": "web", "app.kubernetes.io/managed-by": "Helm"}},
    {"annotations": _HELM["annotations"]},
    {"ownerReferences": [{"kind": "ReplicaSet", "name": "web"}]},
    {
        "labels": {
            **_HELM["labels"],
            "orchestrator/stack": "shop",
            "orchestrator/environment": "test",
        },
        "annotations": _HELM["annotations"],
    },
]


@pytest.mark.parametrize(("metadata", "owner"), _CLAIMS, ids=[owner for _, owner in _CLAIMS])
def test_whose_an_object_is(metadata: dict[str, Any], owner: str) -> None:
    """Each tool is known by its own marks, and named by the tool and what it manages the object with."""
    claim = claim_of({"metadata": metadata}, OWNER)
    assert claim is not None
    assert claim.id == owner
    assert claim.allowed_by([owner])
    assert claim.allowed_by([f"{owner.partition('/')[0]}/*"])
    assert not claim.allowed_by(["other/*", owner[:-1]])


@pytest.mark.parametrize("metadata", _NO_CLAIMS)
def test_what_is_no_proof_of_an_owner(metadata: dict[str, Any]) -> None:
    """A common label is no proof, a plain owner reference neither, and what carries our marks is ours."""
    assert claim_of({"metadata": metadata}, OWNER) is None


def of_helm(ground: Ground, **data: str) -> None:
    """Make an object as Helm does."""
    ground.others.create(
        f"{ground.path('configmaps')}?fieldManager=helm",
        {**CONFIGS, "metadata": {"name": "settings", **_HELM}, "data": data},
    )


@pytest.mark.integration
def test_an_object_of_nobody_is_adopted(ground: Ground) -> None:
    """Taking over what exists is an action of its own, which shows what it changes."""
    ground.others.create(
        f"{ground.path('configmaps')}?fieldManager=kubectl-create",
        {**CONFIGS, "data": {"colour": "red", "note": "mine"}},
    )
    (plan,) = ground.plan(ground.rendered(CONFIG))
    change = change_of(plan, "/settings")
    assert (change.action, change.previous) == (Action.ADOPT, "")
    assert fields(plan, "/settings") == {"data.colour": ("red", "green")}
    inventory = ground.apply(CONFIG)
    live = ground.others.get(ground.path("configmaps", "settings"))
    assert live["data"] == {"colour": "green", "note": "mine"}
    assert [item.uid for item in inventory] == [live["metadata"]["uid"]]
    (again,) = ground.plan(ground.rendered(CONFIG), inventory=inventory)
    assert set(told(again).values()) == {Action.NO_OP}


@pytest.mark.integration
def test_an_object_of_helm_is_refused_with_its_owner(ground: Ground) -> None:
    """What a release owns is not touched; the refusal names it, what to do there, and how to allow it."""
    of_helm(ground, colour="green")
    with pytest.raises(ClusterError) as raised:
        ground.plan(ground.rendered(CONFIG))
    title = f"ConfigMap {ground.namespace}/settings"
    assert raised.value.message == f"{title} belongs to the release shop/web of Helm"
    assert "helm.sh/resource-policy: keep" in raised.value.hint
    assert "'adopt: [helm/shop/web]' on manifests.shop" in raised.value.hint
    assert "declared in shop.yaml:4" in raised.value.detail


@pytest.mark.integration
def test_an_object_of_helm_is_taken_over_where_that_is_allowed(ground: Ground) -> None:
    """Where a set may, all that the release declared is ours, its marks too, and what Git lacks goes."""
    of_helm(ground, colour="red", size="big")
    allowed = ground.rendered(CONFIG, adopt=("helm/shop/*",))
    (plan,) = ground.plan(allowed)
    change = change_of(plan, "/settings")
    assert (change.action, change.previous) == (Action.ADOPT, "helm/shop/web")
    assert change.reason == (
        "belonged to the release shop/web of Helm; takes fields back from helm"
    )
    assert {"data.colour", "data.size"} <= fields(plan, "/settings").keys()
    inventory = ground.apply(allowed)
    path = ground.path("configmaps", "settings")
    live = ground.others.get(path)
    assert live["data"] == {"colour": "green"}
    assert "meta.helm.sh/release-name" not in live["metadata"]["annotations"]
    assert managers(ground, path) == {("orchestrator", "Apply")}
    (again,) = ground.plan(ground.rendered(CONFIG), inventory=inventory)
    assert set(told(again).values()) == {Action.NO_OP}


@pytest.mark.integration
def test_an_object_of_another_environment_is_taken_over_where_that_is_allowed(
    ground: Ground,
) -> None:
    """Another stack's object is refused by its name, and moves over whole where a set may take it."""
    theirs = Ground(
        cluster=ground.cluster,
        others=ground.others,
        directory=ground.directory,
        namespace=ground.namespace,
        environment="other",
    )
    inventory = theirs.apply(CONFIG.replace("green", "green, size: big"))
    with pytest.raises(ClusterError, match=f"belongs to {theirs.owner}"):
        ground.plan(ground.rendered(CONFIG))
    mine = ground.apply(ground.rendered(CONFIG, adopt=(f"orchestrator/{theirs.owner}",)))
    live = ground.others.get(ground.path("configmaps", "settings"))
    assert live["data"] == {"colour": "green"}
    assert [item.uid for item in mine] == [live["metadata"]["uid"]]
    (plan,) = theirs.plan(inventory=inventory)
    assert [(change.action, change.reason) for change in plan.changes] == [
        (Action.FORGET, f"stays, since it belongs to {ground.owner} now")
    ]


@pytest.mark.integration
def test_all_that_belongs_to_others_is_told_at_once(ground: Ground) -> None:
    """One refusal per object, all in one plan."""
    of_helm(ground)
    for name in ("one", "two"):
        metadata = {"name": name, "labels": {"kapp.k14s.io/app": "16"}}
        ground.others.create(ground.path("configmaps"), {**CONFIGS, "metadata": metadata})
    text = "---".join(
        [CONFIG, CONFIG.replace("settings", "one"), CONFIG.replace("settings", "two")]
    )
    with pytest.raises(ClusterError) as raised:
        ground.plan(ground.rendered(text))
    assert "and 2 more refusals" in raised.value.message
    assert raised.value.detail.count("of kapp") == 2

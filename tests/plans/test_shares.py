"""A plan that deletes most of what is owned looks like a mistake."""

import pytest

from orchestrator.errors import PlanRefused
from orchestrator.plans.change import Action
from orchestrator.plans.plan import UnitPlan
from orchestrator.plans.shares import check_pruning
from orchestrator.stack.model import UnitId
from orchestrator.stack.policies import Guards
from tests.plans.builders import change, unit_plan

_SHOP, _PLATFORM = UnitId("manifests.shop"), UnitId("manifests.platform")


def _pruning(unit: UnitId, gone: int, *, kept: int = 1, removed: bool = False) -> UnitPlan:
    deletions = [change(f"ConfigMap a/{index}", action=Action.DELETE) for index in range(gone)]
    others = [change(f"ConfigMap b/{index}", action=Action.NO_OP) for index in range(kept)]
    return unit_plan(unit, *others, *deletions, removed=removed)


def _refusal(
    *units: UnitPlan,
    owned: dict[UnitId, int],
    guards: Guards | None = None,
    acknowledged: tuple[str, ...] = (),
) -> PlanRefused | None:
    try:
        check_pruning(units, owned, guards=guards or Guards(), acknowledged=acknowledged)
    except PlanRefused as refused:
        return refused
    return None


def test_more_than_half_of_a_set_is_refused() -> None:
    """From ten objects on, losing more than half looks like a mistake; the names and the way out are told."""
    refused = _refusal(_pruning(_SHOP, 12), owned={_SHOP: 20, _PLATFORM: 100})

    assert refused is not None
    assert refused.message == (
        "manifests.shop: this plan deletes 12 of 20 objects, more than the 50 % that `guards.prune` allows"
    )
    assert refused.hint == "if that is meant, pass --acknowledge prune:manifests.shop"
    assert refused.detail.splitlines()[-2:] == ["ConfigMap a/9", "and 2 more"]


@pytest.mark.parametrize(
    ("gone", "owned", "guards"),
    [
        pytest.param(9, 9, Guards(), id="a small set"),
        pytest.param(10, 20, Guards(), id="just half"),
        pytest.param(30, 30, Guards(prune=100), id="a share that allows everything"),
        pytest.param(1, 5, Guards(prune=20, at_least=1), id="just the share"),
    ],
)
def test_less_is_pruned_without_a_word(gone: int, owned: int, guards: Guards) -> None:
    """What a day's work deletes needs no acknowledgement."""
    assert _refusal(_pruning(_SHOP, gone), owned={_SHOP: owned}, guards=guards) is None


def test_a_share_that_is_written_down_counts_from_the_first_object() -> None:
    """A share of nothing means that every deletion has to be acknowledged."""
    strict = Guards(prune=0, at_least=1)

    assert _refusal(_pruning(_SHOP, 1), owned={_SHOP: 500}, guards=strict) is not None


def test_a_set_that_renders_nothing_is_refused_whatever_its_size() -> None:
    """A set that is still declared and wants nothing any more is a broken path or a broken template."""
    refused = _refusal(_pruning(_SHOP, 1, kept=0), owned={_SHOP: 1})

    assert refused is not None
    assert refused.message == (
        "manifests.shop renders nothing any more, which would delete all of its 1 object"
    )
    assert _refusal(_pruning(_SHOP, 1, kept=0, removed=True), owned={_SHOP: 1}) is None


def test_many_small_sets_are_counted_together() -> None:
    """A stack that loses most of what it owns is refused though no set is large; each has to be named."""
    shop, platform = (_pruning(unit, 6, removed=True) for unit in (_SHOP, _PLATFORM))
    owned = {_SHOP: 6, _PLATFORM: 6, UnitId("manifests.rest"): 2}

    refused = _refusal(shop, platform, owned=owned)

    assert refused is not None
    assert refused.message.startswith("this plan deletes 12 of 14 objects")
    both = ("prune:manifests.shop", "prune:manifests.platform")
    assert all(f"--acknowledge {name}" in refused.hint for name in both)
    assert _refusal(shop, platform, owned=owned, acknowledged=both[:1]) is not None
    assert _refusal(shop, platform, owned=owned, acknowledged=both) is None


def test_what_is_only_forgotten_is_not_counted() -> None:
    """Objects that are gone already, or that stay, are no loss."""
    forgotten = [change(f"ConfigMap a/{index}", action=Action.FORGET) for index in range(20)]

    assert _refusal(unit_plan(_SHOP, *forgotten), owned={_SHOP: 20}) is None

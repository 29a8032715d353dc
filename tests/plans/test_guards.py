"""What is protected is not deleted by the way."""

import pytest

from orchestrator.errors import PlanRefused
from orchestrator.plans.change import Action, Subject
from orchestrator.plans.guards import check_protection, check_pruning
from orchestrator.plans.plan import UnitPlan
from orchestrator.stack.model import Guards, UnitId
from tests.plans.builders import change, unit_plan

_DATABASE = UnitId("modules.database")


@pytest.mark.parametrize("action", [Action.DELETE, Action.REPLACE])
def test_refuses_to_destroy_part_of_a_protected_unit(action: Action) -> None:
    """The message names what would go, and how to say that it is meant."""
    doomed = unit_plan(_DATABASE, change("aws_db_instance.main", action=action))

    with pytest.raises(PlanRefused) as refused:
        check_protection(doomed, protected={_DATABASE}, acknowledged=())

    assert "aws_db_instance.main" in refused.value.message
    assert "--acknowledge destroy:modules.database" in refused.value.hint


def test_lets_an_acknowledged_plan_pass() -> None:
    """A person who names the unit for this very plan knows what they do."""
    doomed = unit_plan(_DATABASE, change(action=Action.DELETE))

    check_protection(doomed, protected={_DATABASE}, acknowledged={"destroy:modules.database"})


def test_an_acknowledgement_holds_for_the_unit_named_alone() -> None:
    """Naming one unit does not open another."""
    doomed = unit_plan(_DATABASE, change(action=Action.DELETE))

    with pytest.raises(PlanRefused):
        check_protection(doomed, protected={_DATABASE}, acknowledged={"destroy:modules.network"})


@pytest.mark.parametrize(
    "harmless",
    [
        pytest.param(change(action=Action.UPDATE), id="an update"),
        pytest.param(
            change(action=Action.DELETE, subject=Subject.OUTPUT), id="an output that goes"
        ),
    ],
)
def test_lets_harmless_changes_of_a_protected_unit_pass(harmless: object) -> None:
    """Protection is against loss, not against change."""
    check_protection(unit_plan(_DATABASE, harmless), protected={_DATABASE}, acknowledged=())  # type: ignore[arg-type]


def test_lets_an_unprotected_unit_be_destroyed() -> None:
    """Without protection Git's word is enough."""
    check_protection(
        unit_plan(_DATABASE, change(action=Action.DELETE)), protected=(), acknowledged=()
    )


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

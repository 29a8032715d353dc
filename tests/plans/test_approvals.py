"""Approvals are bound to a plan's digest; what differs from the approved plan is told."""

from datetime import UTC, datetime

import pytest

from orchestrator.errors import PlanRefused
from orchestrator.plans.approvals import (
    Apart,
    Candidate,
    approvers,
    check_approvals,
    check_approver,
    difference,
)
from orchestrator.plans.change import Action
from orchestrator.plans.objects import Owner
from orchestrator.plans.record import PlannedChange, PlannedUnit, PlanRecord
from orchestrator.plans.remembered import Approval
from orchestrator.stack.model import UnitId

_ONE, _OTHER = "1" * 64, "2" * 64
_ADA, _GRACE = "Ada Lovelace <ada@example.org>", "Grace Hopper <grace@example.org>"
_SHOP, _NETWORK = UnitId("manifests.shop"), UnitId("modules.network")


def _approval(digest: str = _ONE, *, who: str = _ADA, plan: PlanRecord | None = None) -> Approval:
    at = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    return Approval(digest=digest, who=who, at=at, plan=plan or PlanRecord())


def _update(name: str, *fields: str) -> PlannedChange:
    return PlannedChange(action=Action.UPDATE, name=name, fields=fields)


def _plan(*changes: PlannedChange, unit: UnitId = _SHOP, deferred: str = "") -> PlanRecord:
    return PlanRecord(units=(PlannedUnit(unit=unit, changes=changes, deferred=deferred),))


def _check(
    *approvals: Approval,
    needed: int = 1,
    said: tuple[str, ...] = (),
    apart: tuple[Apart, ...] = (),
) -> None:
    owner = Owner(stack="shop", environment="production")
    check_approvals(
        Candidate(owner=owner, digest=_ONE, plan=_plan(_update("ConfigMap shop/a"))),
        approvals,
        needed=needed,
        acknowledged=said,
        apart=apart,
    )


def test_a_plan_that_was_approved_passes() -> None:
    """By as many people as are needed; an approval of another plan takes nothing away."""
    _check(_approval())
    _check(_approval(), _approval(who=_GRACE), _approval(digest=_OTHER), needed=2)


def test_a_plan_that_nobody_approved_is_refused() -> None:
    """The message says what is missing, and how somebody gives it."""
    with pytest.raises(PlanRefused) as refused:
        _check()

    assert refused.value.message == (
        "the plan 1111111111111111 of shop/production is approved by 0 of 1 person"
    )
    assert refused.value.hint == (
        "somebody else approves it with: orchestrator approve 1111111111111111 shop --env production;"
        " in an emergency, pass --acknowledge unapproved"
    )
    assert refused.value.detail == ""


@pytest.mark.parametrize(
    "second",
    [
        pytest.param("Ada Lovelace <ada@example.org>", id="the same person"),
        pytest.param("A. Lovelace <ADA@example.org>", id="the same address"),
    ],
)
def test_one_person_counts_once(second: str) -> None:
    """Two approvals of one person are one; a name can be spelled in many ways, an address is known."""
    with pytest.raises(PlanRefused) as refused:
        _check(_approval(), _approval(who=second), needed=2)

    assert "approved by 1 of 2 people" in refused.value.message
    assert refused.value.detail == ""
    assert len(approvers([_approval(), _approval(who=_GRACE)], _ONE)) == 2


def test_whoever_is_at_it_is_nobody_else() -> None:
    """Neither who applies it counts nor who wrote its commit; whose do not is told, and who can help is asked for."""
    apart = (
        Apart(who=_GRACE, why="applies it"),
        Apart(who="Ada King <ADA@example.org>", why="wrote 3f2c1a9d4e"),
        Apart(who="", why="is not known"),
    )
    with pytest.raises(PlanRefused) as refused:
        _check(_approval(), _approval(who=_GRACE), apart=apart)

    assert refused.value.message == (
        "the plan 1111111111111111 of shop/production is approved by 0 of 1 person; not counted:"
        " Grace Hopper, who applies it and Ada King, who wrote 3f2c1a9d4e"
    )
    assert refused.value.hint.startswith(
        "somebody else than Grace Hopper and Ada King approves it with: orchestrator approve "
    )
    _check(_approval(), _approval(who="Edsger Dijkstra <e@example.org>"), apart=apart)
    with pytest.raises(PlanRefused, match="not counted"):
        _check(_approval(who=_GRACE), apart=(*apart[:1], Apart(who=_GRACE, why="wrote it")))


def test_an_approval_that_would_not_count_is_not_taken() -> None:
    """Who wrote a commit learns it when approving, rather than everybody when applying."""
    apart = (Apart(who="", why="is not known"), Apart(who=_ADA, why="wrote 3f2c1a9d4e"))
    check_approver(_GRACE, apart)
    with pytest.raises(PlanRefused) as refused:
        check_approver("A. Lovelace <ADA@example.org>", apart)
    assert refused.value.message == (
        "Ada Lovelace, who wrote 3f2c1a9d4e, cannot approve this plan: that takes somebody else"
    )


def test_in_an_emergency_nobody_has_to_approve() -> None:
    """That is said by name, and by no other one."""
    _check(said=("unapproved",))
    with pytest.raises(PlanRefused):
        _check(said=("window", "destroys:100"))


def test_a_plan_that_changed_since_is_told_against_the_approved_one() -> None:
    """Who approved what is named, and below it the difference, so that nobody compares two plans by eye."""
    with pytest.raises(PlanRefused) as refused:
        _check(_approval(digest=_OTHER, plan=_plan(_update("ConfigMap shop/b"))))

    assert refused.value.detail.splitlines() == [
        "Ada Lovelace approved another plan, 2222222222222222, at 2026-11-20 09:30:00 UTC. Since then:",
        "  manifests.shop",
        "    now also: update ConfigMap shop/a",
        "    no longer: update ConfigMap shop/b",
    ]


def test_values_that_the_ledger_does_not_keep() -> None:
    """Two plans may read the same and differ in a value of what is made new, which is said."""
    with pytest.raises(PlanRefused) as refused:
        _check(_approval(digest=_OTHER, plan=_plan(_update("ConfigMap shop/a"))))

    assert "the same things change, but not to the same values" in refused.value.detail


@pytest.mark.parametrize(
    ("approved", "present", "told"),
    [
        pytest.param(_plan(), _plan(), [], id="the same"),
        pytest.param(
            _plan(_update("a", "x: 1 → 2", "y: 1 → 2")),
            _plan(_update("a", "x: 1 → 3", "y: 1 → 2")),
            [
                "  manifests.shop",
                "    otherwise: update a",
                "      now       x: 1 → 3",
                "      approved  x: 1 → 2",
            ],
            id="another value",
        ),
        pytest.param(
            _plan(_update("a", "x: 1 → 2")),
            _plan(_update("a")),
            [
                "  manifests.shop",
                "    otherwise: update a",
                "      now       x: not changed",
                "      approved  x: 1 → 2",
            ],
            id="a field less",
        ),
        pytest.param(
            _plan(_update("a")),
            _plan(PlannedChange(action=Action.REPLACE, name="a")),
            ["  manifests.shop", "    otherwise: replace a, approved was to update it"],
            id="another action",
        ),
        pytest.param(
            _plan(deferred="planned later"),
            _plan(),
            ["  manifests.shop", "    is planned in full by now"],
            id="a unit that had to wait",
        ),
        pytest.param(
            _plan(_update("a"), unit=_NETWORK),
            _plan(_update("b")),
            [
                "  manifests.shop",
                "    now also: update b",
                "  modules.network",
                "    no longer: update a",
            ],
            id="other units",
        ),
    ],
)
def test_differences(approved: PlanRecord, present: PlanRecord, told: list[str]) -> None:
    """Each says unit, thing and both values; what is the same is not told."""
    assert list(difference(approved, present)) == told

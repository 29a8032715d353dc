"""Whether approvals of a plan are enough for it to pass. Pure."""

from datetime import UTC, datetime

import pytest

from orchestrator.engine.previewing.judging import approved_by
from orchestrator.plans.approvals import Apart
from orchestrator.plans.record import PlanRecord
from orchestrator.plans.remembered import Approval
from orchestrator.stack.policies import Guards

_PLAN = "a" * 64
_ADA, _GRACE = "Ada <ada@example.org>", "Grace <grace@example.org>"
_BY_HAND, _BY_OTHERS = Guards(), Guards(approvals=1)


def _approval(who: str, digest: str = _PLAN) -> Approval:
    at = datetime(2026, 3, 14, tzinfo=UTC)
    return Approval(digest=digest, who=who, at=at, plan=PlanRecord(), why="")


@pytest.mark.parametrize(
    ("guards", "approvals", "names"),
    [
        ((_BY_HAND,), (), ()),
        ((_BY_HAND,), (_approval(_ADA),), (_ADA,)),
        ((_BY_HAND,), (_approval(_ADA, "b" * 64),), ()),
        ((_BY_OTHERS,), (_approval(_ADA),), ()),
        ((_BY_OTHERS,), (_approval(_GRACE),), (_GRACE,)),
        ((Guards(approvals=2),), (_approval(_GRACE), _approval(_GRACE)), ()),
        ((_BY_HAND, _BY_OTHERS), (_approval(_ADA),), ()),
        ((_BY_OTHERS, _BY_HAND), (_approval(_ADA), _approval(_GRACE)), (_ADA, _GRACE)),
    ],
)
def test_approvals_are_enough_for_each_of_the_guards(
    guards: tuple[Guards, ...], approvals: tuple[Approval, ...], names: tuple[str, ...]
) -> None:
    """Who wrote the plan, Ada, counts where nobody else is asked for, and a request's own guards are not alone."""
    wrote = Apart(who=_ADA, why="wrote it")

    assert approved_by(_PLAN, approvals, guards, lambda _guards: (wrote,)) == names

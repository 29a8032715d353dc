"""What a pipeline may want to fail on."""

import pytest

from orchestrator.plans.alarms import Alarm, alarms
from orchestrator.plans.change import Action, Risk, Subject, Touch
from orchestrator.plans.plan import Plan
from tests.plans.builders import change, field_change, plan, unit_plan

_OUTPUT = change("url", subject=Subject.OUTPUT, action=Action.DELETE)
_CLAIM = "PersistentVolumeClaim shop/files"


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (plan(unit_plan("manifests.a", change())), ()),
        (plan(unit_plan("modules.a", _OUTPUT)), ()),
        (plan(unit_plan("modules.a", deferred="planned later")), ()),
        (plan(unit_plan("manifests.a", change(action=Action.DELETE))), (Alarm.DESTROY,)),
        (plan(unit_plan("manifests.a", change(action=Action.REPLACE))), (Alarm.REPLACE,)),
        (
            plan(
                unit_plan("manifests.a", change(_CLAIM, action=Action.DELETE, risk=Risk.DATA_LOSS))
            ),
            (Alarm.DESTROY, Alarm.DATA_LOSS),
        ),
        (plan(unit_plan("manifests.a", drift=(change(),))), (Alarm.DRIFT,)),
        (
            plan(
                unit_plan(
                    "manifests.a",
                    change(action=Action.UPDATE, fields=(field_change(touch=Touch(by="ada")),)),
                )
            ),
            (Alarm.DRIFT,),
        ),
    ],
)
def test_what_is_in_a_plan(made: Plan, found: tuple[Alarm, ...]) -> None:
    """Outputs and what is planned later give no alarm; drift counts whether it is taken back or only told."""
    assert alarms(made, set(Alarm)) == found
    assert alarms(made, set()) == ()

"""Plans, changes and reports with everything defaulted that a test does not care about."""

from typing import Any

from orchestrator.plans.change import Action, Change, FieldChange, Subject
from orchestrator.plans.plan import Plan, Revision, UnitPlan
from orchestrator.plans.values import ABSENT
from orchestrator.stack.model import UnitId

REVISION = Revision(commit="3f2c1a9d4e5b6a798897a6b5c4d3e2f101234567", subject="Sell socks")


def field_change(path: str = "data.KEY", **given: Any) -> FieldChange:
    """Return a field that is new, unless told otherwise."""
    return FieldChange(**{"path": path, "before": ABSENT, "after": "new", **given})


def change(name: str = "ConfigMap shop/web", **given: Any) -> Change:
    """Return the creation of an object, unless told otherwise."""
    return Change(**{"subject": Subject.OBJECT, "name": name, "action": Action.CREATE, **given})


def unit_plan(unit: str = "manifests.shop", *changes: Change, **given: Any) -> UnitPlan:
    """Return the plan of a unit; it is effective when it has changes."""
    effective = bool(changes) or "deferred" in given
    return UnitPlan(**{"unit": UnitId(unit), "changes": changes, "effective": effective, **given})


def plan(*units: UnitPlan, **given: Any) -> Plan:
    """Return the plan of shop/production."""
    defaults = {"stack": "shop", "environment": "production", "revision": REVISION}
    return Plan(**{**defaults, "units": units, **given})

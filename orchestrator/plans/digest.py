"""The digest: a hash over everything that a plan would do, which an approval can be bound to.

The revision is left out on purpose: two commits with the same effect have the same digest, so that what was
approved on a request still holds after the merge.
"""

import hashlib
import json

from orchestrator.plans.change import Change
from orchestrator.plans.plan import Plan, UnitPlan
from orchestrator.plans.values import Absent, Masked, Unknown, Value
from orchestrator.stack.model import Json


def digest(plan: Plan) -> str:
    """Return the SHA-256 of the plan's effects, in hexadecimal."""
    effects: Json = {
        "stack": plan.stack,
        "environment": plan.environment,
        "destroy": plan.destroy,
        "units": [_unit(unit) for unit in plan.units if unit.effective],
    }
    canonical = json.dumps(effects, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _unit(unit: UnitPlan) -> Json:
    return {
        "unit": unit.unit,
        "deferred": unit.deferred,
        "removed": unit.removed,
        "pending": list(unit.pending),
        "changes": [_change(change) for change in unit.changes],
    }


def _change(change: Change) -> Json:
    return {
        "subject": change.subject.value,
        "name": change.name,
        "action": change.action.value,
        "previous": change.previous,
        "fields": [[item.path, _value(item.before), _value(item.after)] for item in change.fields],
    }


def _value(value: Value) -> Json:
    match value:
        case Absent():
            return {"absent": True}
        case Unknown():
            return {"unknown": list(value.sources)}
        case Masked():
            return {"masked": value.fingerprint}
        case _:
            return {"value": value}

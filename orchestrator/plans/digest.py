"""The digest: a hash over everything that a plan would do, which an approval can be bound to.

The revision is left out on purpose: two commits with the same effect have the same digest, so that what was
approved on a request still holds after the merge. The code of what is carried out is in it, since it may do what
no change shows: the commands of provisioners, and all of a unit that is planned in its turn; and so is where it is
carried out, such as the cluster, where the stack says that. Secrets are left out, too: the digest is shown and
recorded, and somebody who knows the rest of the plan could try short ones until it fits.
"""

import hashlib
import json

from orchestrator.plans.change import Change
from orchestrator.plans.plan import Plan, UnitPlan
from orchestrator.plans.values import Absent, Masked, Redacted, Unknown, Value
from orchestrator.stack.model import Json


def digest(plan: Plan) -> str:
    """Return the SHA-256 of the plan's effects but for secret values, in hexadecimal."""
    return _hash(plan, secrets=False)


def exact_digest(plan: Plan) -> str:
    """Return a hash that changes with secret values too; only for files that hold these anyway."""
    return _hash(plan, secrets=True)


def _hash(plan: Plan, *, secrets: bool) -> str:
    effects: Json = {
        "stack": plan.stack,
        "environment": plan.environment,
        "destroy": plan.destroy,
        "units": [_unit(unit, secrets=secrets) for unit in plan.units if unit.effective],
        **({"loosened": [str(each) for each in plan.loosened]} if plan.loosened else {}),
    }
    canonical = json.dumps(effects, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest()


def _unit(unit: UnitPlan, *, secrets: bool) -> Json:
    return {
        "unit": unit.unit,
        "deferred": unit.deferred,
        "removed": unit.removed,
        "pending": list(unit.pending),
        "changes": [_change(change, secrets=secrets) for change in unit.changes],
        **({"lifted": True} if unit.lifted else {}),
        **({"code": unit.code} if unit.code else {}),
    }


def _change(change: Change, *, secrets: bool) -> Json:
    return {
        "subject": change.subject.value,
        "name": change.name,
        "action": change.action.value,
        "previous": change.previous,
        "risk": change.risk.value if change.risk else "",
        "fields": [
            [item.path, _value(item.before, secrets=secrets), _value(item.after, secrets=secrets)]
            for item in change.fields
        ],
    }


def _value(value: Value, *, secrets: bool) -> Json:
    match value:
        case Absent():
            return {"absent": True}
        case Unknown():
            return {"unknown": list(value.sources)}
        case Masked():
            return {"masked": value.fingerprint if secrets else True}
        case Redacted():
            return {"redacted": value.value, "whole": value.fingerprint if secrets else True}
        case _:
            return {"value": value}

"""Rules of a set's own about the health of its objects: a condition, or expressions."""

from collections.abc import Iterable, Mapping

from orchestrator.stack.model import HealthRule
from orchestrator.stack.predicates import NoConditionError, Predicate
from orchestrator.workloads.health.status import (
    CURRENT,
    Health,
    condition,
    failed,
    last_condition,
    progress,
    unseen,
)
from orchestrator.workloads.live import Live


class OwnRule:
    """What one set says of one kind."""

    def __init__(self, rule: HealthRule) -> None:
        """Read its expressions when they are first needed."""
        self._condition, _, self._status = rule.condition.partition("=")
        self._healthy = Predicate(rule.healthy) if rule.healthy else None
        self._failed = Predicate(rule.failed) if rule.failed else None

    def __call__(self, live: Live) -> Health | None:
        """Return the health of an object, or None where the rule only says when it has failed.

        An expression that no object of this shape can meet is a failure: waiting would not help.
        """
        if self._failed and (held := _held(self._failed, live)):
            return held if isinstance(held, Health) else _has_failed(self._failed, live)
        if self._healthy:
            held = _held(self._healthy, live)
            if isinstance(held, Health):
                return held
            return CURRENT if held else progress(_not_yet(self._healthy, live))
        if not self._condition:
            return None
        return self._by_condition(live)

    def _by_condition(self, live: Live) -> Health:
        found = condition(live, self._condition)
        if found and found.overtaken:
            return unseen(found.overtaken)
        wanted = self._status or "True"
        if found and found.status == wanted:
            return CURRENT
        return progress((found and found.text) or f"{self._condition} is not {wanted} yet")


def own_rules(rules: Iterable[HealthRule]) -> Mapping[tuple[str, str], OwnRule]:
    """Return the rules by (group, kind)."""
    return {(rule.group, rule.kind): OwnRule(rule) for rule in rules}


def _held(predicate: Predicate, live: Live) -> bool | Health:
    try:
        return bool(predicate.holds(live))
    except NoConditionError as error:
        return failed(f"{predicate.text} {error}")


def _has_failed(predicate: Predicate, live: Live) -> Health:
    return failed(last_condition(live) or f"{predicate.text} holds")


def _not_yet(healthy: Predicate, live: Live) -> str:
    last = last_condition(live)
    return f"{healthy.text} does not hold yet" + (f"; {last}" if last else "")

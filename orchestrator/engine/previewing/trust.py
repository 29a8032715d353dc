"""What a request may not decide about itself: it is planned by the policies of its base.

Whoever proposes a change does not decide how it is judged. Guards, what follows a failure, what losing things costs
and where the ledger is kept are the base's, until the request is merged; what it would change of them is told.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from orchestrator.stack.expressions import locate_in, resolve
from orchestrator.stack.model import Risk, Stack, UnitId
from orchestrator.stack.policies import Guards
from orchestrator.stack.project import Project
from orchestrator.stack.scope import scope_of

_WORDS: Final = {name: f"allow.{name}" for name in ("sources", "clusters", "kubeconfigs")}
_DERIVED: Final = frozenset({"at_least"})  # follows from another key


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A stack as a request has it, with the ledger of the base, and with what losing things costs there.

    ``guards`` are the base's, by which its plan is judged, too; the plan itself says what its own ones loosen.
    ``overruled`` are the keys that the request would change, ``protected`` the units that the base protects.
    ``unjudged`` says why the base cannot tell any of this, so that the request's own word stands, or is empty.
    ``keeper`` is the stack of the base whose cluster the ledger may be in, None where the base has none.
    """

    stack: Stack
    guards: Guards
    overruled: tuple[str, ...] = ()
    protected: frozenset[UnitId] = frozenset()
    unjudged: str = ""
    keeper: Stack | None = None


def judged_by_base(
    stack: Stack, base: Stack | None, project: Project, *, keeper: Stack | None = None
) -> Judged:
    """Return a stack of a request with the policies that hold for it before it is merged.

    ``base`` is what the base says for the same stack and environment, None for a stack that is new: then what the
    ``project`` says wins over what the stack says. ``keeper`` is ``base`` where that declares the environment: then
    a ledger in the stack's own cluster stays in the base's.
    """
    held = replace(stack, **(_of_base(stack, base) if base else _of_project(stack, project)))
    protected = frozenset(unit.id for unit in base.units if unit.protect) if base else frozenset()
    kept = {unit.id for unit in stack.units if unit.protect}
    changed = (
        *_changed(stack, held),
        *(("ledger.cluster",) if keeper and _moves_ledger(held, keeper) else ()),
        *(f"{unit}.protect" for unit in sorted(protected - kept)),
    )
    own = replace(held, guards=stack.guards)
    return Judged(
        stack=own, guards=held.guards, overruled=changed, protected=protected, keeper=keeper
    )


def overruled_settings(before: Project, after: Project) -> tuple[str, ...]:
    """Return the keys of the repository's own settings in which a request differs from its base."""
    return tuple(_WORDS.get(name, name) for name in _differing(before, after))


def _of_base(stack: Stack, base: Stack) -> dict[str, Any]:
    return {
        "guards": base.guards,
        "on_failure": base.on_failure,
        "ledger": base.ledger,
        "risks": _risks(base.risks, stack.risks),
    }


def _risks(before: Mapping[str, Risk], own: Mapping[str, Risk]) -> dict[str, Risk]:
    """Return what losing things costs: as before, and nothing of the request's own but that it costs more."""
    more = {name: risk for name, risk in own.items() if risk is Risk.DATA_LOSS}
    return {**before, **{name: risk for name, risk in more.items() if name not in before}}


def _of_project(stack: Stack, project: Project) -> dict[str, Any]:
    own = {name: risk for name, risk in stack.risks.items() if name not in project.risks}
    return {
        "guards": project.guards or stack.guards,
        "on_failure": project.on_failure or stack.on_failure,
        "ledger": project.ledger or stack.ledger,
        "risks": {**project.risks, **own},  # what stands first counts
    }


def _changed(stack: Stack, held: Stack) -> Iterator[str]:
    for policy in ("guards", "ledger"):
        differing = _differing(getattr(stack, policy), getattr(held, policy))
        yield from (f"{policy}.{name}" for name in differing)
    if stack.on_failure != held.on_failure:
        yield "on_failure"
    both = sorted({*stack.risks, *held.risks})
    yield from (f"risks.{name}" for name in both if stack.risks.get(name) != held.risks.get(name))


def _moves_ledger(stack: Stack, keeper: Stack) -> bool:
    """Whether a ledger in the stack's own cluster would be in another one than it is."""
    return stack.ledger.in_own_cluster and _reached(stack) != _reached(keeper)


def _reached(stack: Stack) -> Any:
    """Return how the cluster of a stack is reached, with its variables in place."""
    resolved = resolve(stack.cluster.address, scope_of(stack), locate_in(stack.cluster.places))
    return stack.cluster.sandbox, resolved.value


def _differing(one: Any, other: Any) -> Iterator[str]:
    """Yield the fields in which two differ; where something stands is no part of it."""
    for each in fields(one):
        told = each.compare and each.name not in _DERIVED
        if told and getattr(one, each.name) != getattr(other, each.name):
            yield each.name

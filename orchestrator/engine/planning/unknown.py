"""What says that the stack was applied, and of which its ledger knows nothing: it lost entries.

A clone that saw the ledger before knows what is gone. A fresh one, as most runs of CI have, knows what the objects say.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from orchestrator.errors import PlanRefused
from orchestrator.ledger.entry import LedgerState
from orchestrator.plans.objects import ObjectRef, OwnedObject, Owner
from orchestrator.stack.model import UnitId

UNKNOWN_OBJECTS: Final = "unknown-objects"
"""What a person acknowledges when such objects are to stay as they are, and nobody's."""

UNKNOWN_STATES: Final = "unknown-states"
"""What a person acknowledges when modules that have a state are applied for the first time."""

_MOST_LISTED: Final = 10


def begun(ledger: LedgerState) -> bool:
    """Whether anything was applied, as far as a ledger tells.

    A note, such as an approval, says nothing of that, and neither does a command of Terraform's own.
    """
    return bool(ledger.units or ledger.runs or ledger.open)


def unknown_objects(
    claimed: Iterable[OwnedObject], wanted: Collection[ObjectRef], ledger: LedgerState
) -> tuple[OwnedObject, ...]:
    """Return those of the objects with the stack's marks that should be in its ledger, and are not, sorted.

    What Git wants comes into the ledger with the next apply; but where nothing was ever applied, as far as the ledger
    tells, each of them is proof that something was.
    """
    known = {owned.ref for owned in ledger.inventory}
    if begun(ledger):
        known.update(wanted)
    return tuple(sorted(owned for owned in claimed if owned.ref not in known))


def refuse_unknown_objects(
    owner: Owner,
    unknown: Callable[[LedgerState], tuple[OwnedObject, ...]],
    *,
    ledger: LedgerState,
    again: Callable[[], LedgerState],
    acknowledged: Collection[str],
    alone: Callable[[], bool],
) -> None:
    """Refuse a plan beside objects that the ledger should know, if nobody named them; raises PlanRefused.

    ``again`` reads the ledger once more: an apply beside this plan may have made them since it was read. ``alone`` says
    whether the ledger is kept in this clone, so that another one may have its own.
    """
    if UNKNOWN_OBJECTS in acknowledged or not (found := unknown(ledger)):
        return
    now = again()
    late = {owned.ref for owned in unknown(now)}
    found = tuple(owned for owned in found if owned.ref in late)
    if found:
        raise _refusal(owner, found, begun=bool(now.head), alone=alone())


def told_unseen(kinds: Sequence[str], silent: Sequence[str]) -> tuple[str, ...]:
    """Return sentences about what a destroy could not look through: kinds, and parts of an API that do not answer."""
    left = "objects of these that the ledger does not know, if there are any, would stay"
    return (
        *((f"we may not list {_first(kinds)}: {left}",) if kinds else ()),
        *((f"there is no answer from {_first(silent)}: {left}",) if silent else ()),
    )


def refuse_unseen(owner: Owner, unseen: Sequence[str], *, ledger: LedgerState) -> None:
    """Refuse to destroy what nobody knows and not all of which can be looked for; raises PlanRefused."""
    if begun(ledger) or not unseen:
        return
    raise PlanRefused(
        f"{told_unbegun(owner, ledger)}, and what the stack has in its cluster cannot be told",
        hint="destroy with an account that may list all kinds, once all of the API answers;"
        f" or, where nothing of it is there, pass --acknowledge {UNKNOWN_OBJECTS}",
        detail="\n".join(unseen),
    )


def told_unbegun(owner: Owner, ledger: LedgerState) -> str:
    """Return in words that nothing was ever applied, as far as the ledger tells."""
    return f"the ledger of {owner} has no run" if ledger.head else f"{owner} has no ledger"


def refuse_unknown_states(owner: Owner, units: Sequence[UnitId], *, ledger: LedgerState) -> None:
    """Refuse to begin a ledger over modules that have something in their states; raises PlanRefused."""
    if not units:
        return
    has = "has a Terraform state" if len(units) == 1 else "have Terraform states"
    raise PlanRefused(
        f"{told_unbegun(owner, ledger)}, but {', '.join(units)} {has}: the ledger was deleted, or this was made by"
        " other means",
        hint=f"go on from what exists: orchestrator ledger repair {owner.stack} --env {owner.environment};"
        f" or, where this stack was never applied, pass --acknowledge {UNKNOWN_STATES}",
    )


def _refusal(
    owner: Owner, found: tuple[OwnedObject, ...], *, begun: bool, alone: bool
) -> PlanRefused:
    one = len(found) == 1
    objects = "1 object that was" if one else f"{len(found)} objects that were"
    what = (
        f"the ledger of {owner} does not know" if begun else f"{owner} has no ledger, but there is"
    )
    if not (begun or one):
        what = f"{owner} has no ledger, but there are"
    more = len(found) - _MOST_LISTED
    listed = [f"{owned.unit}/{owned.ref}" for owned in found[:_MOST_LISTED]]
    lost = "the ledger was deleted or cut short, "
    if alone:
        lost = "it is in each clone, and known to the one alone that applied them; or it was deleted or cut short, "
    return PlanRefused(
        f"{what} {objects} applied by a stack of this name: {lost}or another repository has a stack of the same name in"
        " this cluster",
        hint=f"take them in: orchestrator ledger repair {owner.stack} --env {owner.environment};"
        " if they are another repository's, give one of the stacks another name;"
        f" or, to leave them as they are, pass --acknowledge {UNKNOWN_OBJECTS}",
        detail="\n".join([*listed, *([f"and {more} more"] if more > 0 else [])]),
    )


def _first(names: Sequence[str]) -> str:
    more = len(names) - _MOST_LISTED
    listed = ", ".join(names[:_MOST_LISTED])
    return f"{listed} and {more} more" if more > 0 else listed

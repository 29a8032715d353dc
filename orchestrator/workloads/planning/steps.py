"""What was planned for manifest sets, as an apply carries it out and a report shows it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from orchestrator.plans.change import Action, Change
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.plans.plan import Left
from orchestrator.stack.model import Json, UnitId
from orchestrator.workloads.planning.taking_over.succession import Succession


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStep:
    """What is done to one object: its whole manifest with our marks, and how it is applied.

    A no-op is a step too, since an apply waits for all objects of a set; ``uid`` is the live object's, empty
    for one that is to be created; ``absent`` says that there must be none then. ``succession`` says which fields
    of others become ours first. ``remembered`` finds out what goes into the inventory.
    """

    ref: ObjectRef
    action: Action
    manifest: Mapping[str, Json] = field(repr=False)
    force: bool = False
    wait: bool = True
    uid: str = ""
    absent: bool = False
    succession: Succession | None = None
    remembered: Callable[[], str] = field(default=str, repr=False)

    @property
    def fingerprint(self) -> str:
        """Return what the inventory keeps of the object: a hash of it, which whoever only looks need not pay for."""
        return self.remembered()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPlan:
    """What would happen to one manifest set.

    ``steps`` are complete only when nothing is ``pending``. ``prune`` are objects that no set wants any more, with
    the uid that they were seen with; ``forgotten`` those of which the inventory is only rid, since they are gone, not
    ours any more or ask to stay. ``drift`` is what others did to objects and what is left so; ``ignored`` counts
    those of which that is not even told; ``left`` names the fields that differ from Git by a rule of the set.
    ``removed`` marks a set that Git no longer declares; ``resting`` tells what is left alone wholly, and why.
    ``changed`` are the quotas and definitions that any set of the same plan makes or changes.
    """

    unit: UnitId
    changes: tuple[Change, ...] = ()
    steps: tuple[ObjectStep, ...] = ()
    prune: tuple[OwnedObject, ...] = ()
    forgotten: tuple[ObjectRef, ...] = ()
    drift: tuple[Change, ...] = ()
    ignored: int = 0
    left: tuple[Left, ...] = ()
    pending: tuple[str, ...] = ()
    removed: bool = False
    fingerprint: str = ""
    resting: tuple[str, ...] = ()
    changed: frozenset[ObjectRef] = frozenset()

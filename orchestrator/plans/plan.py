"""A plan: what would change, as data that is shown, hashed, stored and executed from."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from orchestrator.plans.change import Action, Change, Subject
from orchestrator.plans.loosening import Loosened
from orchestrator.stack.model import UnitId


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A Git commit; ``difference`` is the digest of what the working tree holds beyond it, or empty."""

    commit: str
    subject: str = ""
    difference: str = ""

    @property
    def dirty(self) -> bool:
        """Whether the working tree differed from the commit."""
        return bool(self.difference)

    def __str__(self) -> str:
        """Return the short commit, marked when dirty."""
        return self.commit[:10] + ("+dirty" if self.dirty else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Fields of an object that differ from Git and stay so, by their paths; ``to`` is who sets them, if known."""

    name: str
    fields: tuple[str, ...]
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPlan:
    """What would happen to one unit.

    ``pending`` are the references that it waits for, sorted. ``deferred`` says why the unit could not be
    planned yet, and is empty otherwise; such a unit is planned in its turn during the apply. ``removed``
    marks a unit that Git no longer declares. ``warnings`` are sentences from the engines. ``fingerprint``
    identifies what is wanted (source, inputs, objects), for the ledger. ``unsettled`` says what the last
    run left undone, such as a rollout that failed. ``drift`` is what others did to its resources since the
    last apply; what follows from that is among the changes, but for objects of a set that only reports it.
    ``unlooked`` says why it was not planned at all, since nothing changed, and is empty otherwise.
    ``ignored`` counts objects whose drift is not told, ``alone`` those that Git declares and nobody looks after, which
    ``warnings`` tell one by one; ``left`` names the fields that differ from Git by a rule of the stack.
    ``lifted`` says that its protection ends with this apply; until then it holds. ``code`` is a hash of
    what is carried out of it that no change shows: a module's files, with the commands in them, or the manifests of
    what is planned in its turn, and where that is done. ``effective`` says whether applying this would or might change
    anything.
    """

    unit: UnitId
    changes: tuple[Change, ...] = ()
    pending: tuple[str, ...] = ()
    deferred: str = ""
    removed: bool = False
    warnings: tuple[str, ...] = ()
    fingerprint: str = ""
    unsettled: str = ""
    drift: tuple[Change, ...] = ()
    unlooked: str = ""
    ignored: int = 0
    alone: int = 0
    left: tuple[Left, ...] = ()
    lifted: bool = False
    code: str = ""
    effective: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """Whether a plan of what changed takes a unit, and why, as the rest of a sentence that begins with it."""

    unit: UnitId
    taken: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What a plan of what changed was compared with, and every unit that was considered."""

    revision: Revision
    considered: tuple[Considered, ...]


class Lasting(StrEnum):
    """What stays of an undone revision, although Git is as it was before."""

    DATA = "data"
    EMPTIED = "emptied"
    FORGOTTEN = "forgotten"
    IDENTITY = "identity"
    MOVED = "moved"
    RAN = "ran"
    RUNS_AGAIN = "runs-again"
    STORED = "stored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrestored:
    """One thing that a rollback does not bring back as it was, and why."""

    unit: UnitId
    name: str
    why: Lasting


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a rollback brings back: the content of ``revision``, which an ``entry`` of the ledger applied.

    ``over`` is the revision that is undone, with all between the two; ``unrestored`` is what does not come back.
    """

    revision: Revision
    entry: str
    at: datetime
    by: str
    over: Revision
    unrestored: tuple[Unrestored, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would happen to a stack in an environment; units stand in the order of their effects.

    ``since`` says which units were left out of it because nothing changed that they are made of; it is None
    for a plan of everything. ``restores`` says what is brought back when Git is again as it was before; what is
    done does not depend on it. ``loosened`` are the guards that let more pass once this is applied. ``failed`` says
    that an apply of this revision failed before, so that another one has to be asked for.
    """

    stack: str
    environment: str
    revision: Revision
    units: tuple[UnitPlan, ...]
    destroy: bool = False
    notes: tuple[str, ...] = ()
    since: Since | None = None
    restores: Restored | None = None
    loosened: tuple[Loosened, ...] = ()
    failed: bool = False

    @property
    def effective(self) -> bool:
        """Whether anything would change; that guards are loosened is a change of its own."""
        return any(unit.effective for unit in self.units) or bool(self.loosened)

    @property
    def drifted(self) -> int:
        """Return how many objects differ from what was applied and are only told of."""
        return sum(change.subject is Subject.OBJECT for unit in self.units for change in unit.drift)

    @property
    def lifted(self) -> int:
        """Return of how many units the protection ends."""
        return sum(unit.lifted for unit in self.units)

    @property
    def left(self) -> int:
        """Return how many fields differ from Git and are left to others."""
        return sum(len(one.fields) for unit in self.units for one in unit.left)

    @property
    def alone(self) -> int:
        """Return how many objects are neither created nor changed, though Git declares them."""
        return sum(unit.alone for unit in self.units)

    def changes(self) -> Iterator[tuple[UnitPlan, Change]]:
        """Yield every change with its unit, in order, no-ops included."""
        return ((unit, change) for unit in self.units for change in unit.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many resources and objects each action touches, and how many units are deferred."""

    actions: Mapping[Action, int] = field(default_factory=dict)
    deferred: int = 0


def count(plan: Plan) -> Counts:
    """Count a plan's changes; outputs are not counted, since nothing is made or destroyed by them."""
    actions = Counter(
        change.action for _, change in plan.changes() if change.subject is not Subject.OUTPUT
    )
    deferred = sum(1 for unit in plan.units if unit.deferred)
    return Counts(
        actions={action: actions[action] for action in Action if actions[action]}, deferred=deferred
    )


def addresses(units: Iterable[UnitPlan]) -> Iterator[str]:
    """Yield the addresses of Terraform's resources, which stand in Git but for the keys of instances."""
    changes = (change for unit in units for change in (*unit.changes, *unit.drift))
    for change in changes:
        if change.subject is Subject.RESOURCE:
            yield change.name.partition("[")[0]
            yield change.previous.partition("[")[0]

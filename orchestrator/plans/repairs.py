"""What was found out about a ledger, and what a repair of it would do, in the shape in which people are told."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import UnitId


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A ledger that was looked through: how many entries hold, and the last of them.

    ``place`` is where it breaks first, and ``why`` what is wrong there, as the end of a sentence; both are empty where
    all is well. ``lost`` is a sentence about entries that were seen before and are gone; ``replaced`` says that another
    ledger is in their place; ``hint`` is what to do rather than to repair it, or empty.
    """

    stack: str
    environment: str
    entries: int
    last: str = ""
    at: datetime | None = None
    place: str = ""
    why: str = ""
    lost: str = ""
    replaced: bool = False
    hint: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong with it."""
        return not (self.place or self.why or self.lost)


class Kept(StrEnum):
    """What a ledger that is set aside has, and must not be lost with it."""

    SUSPENSION = "suspension"
    BAD_REVISION = "bad revision"
    GUARD = "guard"
    PROTECTION = "protection"
    SOURCE = "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What is taken in of a ledger that is set aside: of which kind, and as people are told of it."""

    kind: Kept
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairPlan:
    """What a repair would do: go on from the last entry that holds, with what was found to exist beside it.

    ``again`` is how many of the entries are written anew, since the state beside them is wrong. ``units`` are found to
    exist and in none of the entries, and so are ``objects``; of ``uncertain`` others nobody can tell as what they were
    applied last; ``taken`` is what else a ledger has that is set aside; ``unseen`` are sentences about what was not
    looked at.
    """

    checked: Checked
    again: int = 0
    units: tuple[UnitId, ...] = ()
    objects: tuple[ObjectRef, ...] = ()
    uncertain: int = 0
    taken: tuple[Taken, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def needed(self) -> bool:
        """Whether there is anything to do."""
        return bool(not self.checked.whole or self.units or self.objects)

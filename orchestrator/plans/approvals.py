"""Whether enough people approved a plan, and how it differs from what they approved. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.errors import PlanRefused
from orchestrator.plans.objects import Owner
from orchestrator.plans.record import PlannedChange, PlannedUnit, PlanRecord
from orchestrator.plans.remembered import Approval

ACKNOWLEDGED_BY: Final = "unapproved"
SHOWN: Final = 16
"""How many characters of a digest are shown, and identify a plan to people."""

_MOST_TOLD = 40
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """Somebody who is no other person where one is asked for: ``why`` goes on after ``who``; both may be empty."""

    who: str
    why: str

    def __str__(self) -> str:
        """Return ``Ada Lovelace, who wrote 3f2c1a9d4e``."""
        return f"{plain(self.who)}, who {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A plan that is to be applied: of what, its digest, what it does, and the flags that make it again."""

    owner: Owner
    digest: str
    plan: PlanRecord
    flags: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """Return the command that approves it."""
        named = ("--env", self.owner.environment, *self.flags)
        return " ".join(("orchestrator approve", self.digest[:SHOWN], self.owner.stack, *named))


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A plan that was approved: its digest, the ledger's entry, by whom until now, and how many are needed.

    ``own`` is who approved what he had a part in, where the stack itself needs nobody: to an agent that does it is
    nobody's approval.
    """

    owner: Owner
    digest: str
    entry: str
    by: tuple[str, ...]
    needed: int
    own: Apart | None = None


def check_approvals(
    candidate: Candidate,
    approvals: Sequence[Approval],
    *,
    needed: int,
    acknowledged: Collection[str],
    apart: Sequence[Apart] = (),
) -> None:
    """Refuse a plan that fewer people approved than are needed; ``approvals`` stand oldest first.

    Those of people who are ``apart`` do not count. When another plan was approved, the difference is told. Raises
    PlanRefused.
    """
    counted = len(approvers(approvals, candidate.digest, apart))
    if counted >= needed or ACKNOWLEDGED_BY in acknowledged:
        return
    told = approval_of(approvals, candidate.digest, needed=needed, apart=apart)
    message = f"the plan {candidate.digest[:SHOWN]} of {candidate.owner} {told}"
    raise PlanRefused(
        message,
        hint=f"{_somebody(apart)} approves it with: {candidate.command};"
        f" in an emergency, pass --acknowledge {ACKNOWLEDGED_BY}",
        detail="\n".join(_told_difference(candidate, approvals)),
    )


def check_approver(name: str, apart: Sequence[Apart]) -> None:
    """Refuse somebody's approval that would not count; raises PlanRefused."""
    if one := found_apart(name, apart):
        message = f"{one}, cannot approve this plan: that takes somebody else"
        raise PlanRefused(
            message, hint="`guards.own_approvals: true` lets such approvals count, once applied"
        )


def found_apart(name: str, apart: Sequence[Apart]) -> Apart | None:
    """Return why somebody is no other person, None for whoever is one."""
    known = (one for one in apart if one.who and _identity(one.who) == _identity(name))
    return next(known, None)


def approvers(
    approvals: Sequence[Approval], digest: str, apart: Sequence[Apart] = ()
) -> tuple[str, ...]:
    """Return the people whose approvals of the plan of a digest count, each once, but for those who are ``apart``.

    Who has an address is known by it.
    """
    out = {_identity(one.who) for one in apart if one.who}
    names = {_identity(each.who): each.who for each in approvals if each.digest == digest}
    return tuple(name for key, name in names.items() if key not in out)


def approval_of(
    approvals: Sequence[Approval], digest: str, *, needed: int, apart: Sequence[Apart] = ()
) -> str:
    """Return by how many of the people that are needed a plan is approved, as the rest of a sentence.

    It says whose approvals do not count, and why.
    """
    names = approvers(approvals, digest, apart)
    gave = {_identity(each.who) for each in approvals if each.digest == digest}
    left_out = [one for one in _each_once(apart) if _identity(one.who) in gave]
    told = f"; not counted: {' and '.join(map(str, left_out))}" if left_out else ""
    people = "person" if needed == 1 else "people"
    return f"is approved by {len(names)} of {needed} {people}{_listed(names)}{told}"


def _somebody(apart: Sequence[Apart]) -> str:
    """Return who may approve, as people are told to look for them."""
    names = [plain(one.who) for one in _each_once(apart)]
    more = len(names) - _MOST_NAMED
    named = [*names[:_MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
    return f"somebody else than {' and '.join(named)}" if named else "somebody else"


def _each_once(apart: Sequence[Apart]) -> tuple[Apart, ...]:
    return tuple({_identity(one.who): one for one in reversed(apart) if one.who}.values())[::-1]


def _identity(who: str) -> str:
    address = who.rpartition("<")[2] if who.endswith(">") else who
    return address.strip("> ").casefold()


def _listed(names: Sequence[str]) -> str:
    return f" ({', '.join(map(plain, names))})" if names else ""


def plain(name: str) -> str:
    """Return somebody's name without the address."""
    return name.partition(" <")[0]


def _told_difference(candidate: Candidate, approvals: Sequence[Approval]) -> Iterator[str]:
    """Say how the plan differs from the one that was approved last, unless it is that one."""
    if not approvals or approvals[-1].digest == candidate.digest:
        return
    last = approvals[-1]
    yield (
        f"{plain(last.who)} approved another plan, {last.digest[:SHOWN]}, at {last.at:%Y-%m-%d %H:%M:%S} UTC."
        " Since then:"
    )
    lines = tuple(difference(last.plan, candidate.plan))
    yield from lines[:_MOST_TOLD] or (
        "  the same things change, but not to the same values, by other code or elsewhere; these are not in the ledger",
    )
    if len(lines) > _MOST_TOLD:
        yield f"  and {len(lines) - _MOST_TOLD} lines more"


def difference(approved: PlanRecord, present: PlanRecord) -> Iterator[str]:
    """Yield in lines how a present plan differs from an approved one, unit by unit; none when they say the same."""
    before = {unit.unit: unit for unit in approved.units}
    now = {unit.unit: unit for unit in present.units}
    for name in dict.fromkeys((*now, *before)):
        old = before.get(name, PlannedUnit(unit=name))
        lines = tuple(_unit(old, now.get(name, PlannedUnit(unit=name))))
        if lines:
            yield f"  {name}"
            yield from (f"    {line}" for line in lines)


def _unit(approved: PlannedUnit, present: PlannedUnit) -> Iterator[str]:
    if approved.removed != present.removed:
        yield "Git declares it no longer" if present.removed else "Git declares it again"
    if bool(approved.deferred) != bool(present.deferred):
        yield "is planned in its turn now" if present.deferred else "is planned in full by now"
    before, now = _by_name(approved), _by_name(present)
    for key in dict.fromkeys((*now, *before)):
        yield from _change(before.get(key), now.get(key))


def _by_name(unit: PlannedUnit) -> Mapping[str, PlannedChange]:
    return {change.name: change for change in unit.changes}


def _change(approved: PlannedChange | None, present: PlannedChange | None) -> Iterator[str]:
    match approved, present:
        case None, PlannedChange() as new:
            yield f"now also: {new.action} {new.name}"
        case PlannedChange() as old, None:
            yield f"no longer: {old.action} {old.name}"
        case PlannedChange() as old, PlannedChange() as new if old != new:
            other = f", approved was to {old.action} it" if old.action is not new.action else ""
            yield f"otherwise: {new.action} {new.name}{other}"
            yield from _fields(old.fields, new.fields)


def _fields(approved: Sequence[str], present: Sequence[str]) -> Iterator[str]:
    """Yield the lines of fields that are not the same, those of one field below one another."""
    before, now = _by_path(approved), _by_path(present)
    for path in dict.fromkeys((*now, *before)):
        if before.get(path) != now.get(path):
            yield f"  now       {now.get(path, f'{path}: not changed')}"
            yield f"  approved  {before.get(path, f'{path}: not changed')}"


def _by_path(lines: Sequence[str]) -> dict[str, str]:
    return {line.partition(": ")[0]: line for line in lines}

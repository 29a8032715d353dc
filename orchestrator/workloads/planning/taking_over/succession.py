"""What an object's former managers leave to us, so that what leaves Git later leaves the cluster too. Pure.

A field that two managers own outlives one of them. Whoever declared the object before (client-side ``kubectl
apply``, or the tool that it is adopted from) has declared all that it owns: that becomes ours as a whole, and
what Git does not declare goes. Of what was set by hand only the fields that Git declares become ours.
"""

from dataclasses import dataclass, replace
from typing import Final

from orchestrator.stack.model import Json
from orchestrator.workloads.live import Live
from orchestrator.workloads.ownership import FIELD_MANAGER, LAST_APPLIED, annotation
from orchestrator.workloads.records.fields import (
    NOTHING,
    Entry,
    FieldSet,
    entries,
    managers,
    prefixes_of,
    union,
)
from orchestrator.workloads.records.notation import APPLY

# What people change objects with by hand. Their fields are taken back, which is what healing drift means;
# a controller's are not, since it would only set them again.
# Names are whole: controllers have names that begin alike, and "node-fetch" is what any program in Node.js is called
# that does not name itself. "Mozilla" is a browser.
_PEOPLES_TOOLS: Final = frozenset(
    {"kubectl", "before-first-apply", "k9s", "lens", "Lens", "Mozilla"}
)
_OF_KUBECTL: Final = "kubectl-"

DECLARING: Final = frozenset({"kubectl-client-side-apply", "kubectl", "before-first-apply"})
"""The names under which people apply manifests of their own: what they declared is taken over as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Succession:
    """Whose records are ours from now on: ``whole`` managers with all they set, of others what we set too.

    ``wanted`` are the fields that we set from now on; ``usurped`` are in the way of these, also where nobody owns them.
    """

    whole: frozenset[str] = frozenset()
    wanted: FieldSet = NOTHING
    usurped: FieldSet = NOTHING


def by_hand(manager: str) -> bool:
    """Whether a person set fields under this name, and no controller or pipeline."""
    name, _, subresource = manager.partition(" (")
    return (name in _PEOPLES_TOOLS or name.startswith(_OF_KUBECTL)) and subresource != "status)"


def untouched(live: Live) -> bool:
    """Whether nobody set any field by hand; cheap."""
    return not any(map(by_hand, managers(live)))


def heirless(live: Live) -> bool:
    """Whether nobody has left anything of an object of ours to us."""
    return untouched(live) or not predecessors(live, Succession())


def declared_by_us(live: Live) -> FieldSet:
    """Return the fields that we applied."""
    return union(entry for entry in entries(live) if entry.ours)


def losers(live: Live, result: Live) -> frozenset[str]:
    """Return the managers that an apply takes fields from: they set some before, and others after it."""
    after = {(_told(entry), entry.operation): entry.fields for entry in entries(result)}
    return frozenset(
        _told(entry)
        for entry in entries(live)
        if not entry.ours
        and entry.subresource != "status"
        and not entry.fields <= after.get((_told(entry), entry.operation), NOTHING)
    )


def predecessors(live: Live, succession: Succession) -> tuple[str, ...]:
    """Return the managers from whom something is taken over, sorted."""
    return tuple(sorted({entry.manager for entry in _Estate.of(live, succession).left_to_us}))


def outliving(live: Live, succession: Succession) -> FieldSet:
    """Return what would outlive its declaration: fields that a predecessor declared and Git does not."""
    estate = _Estate.of(live, succession)
    return estate.ours - prefixes_of(succession.wanted) - prefixes_of(union(estate.others))


def handed_over(live: Live, succession: Succession) -> list[Json] | None:
    """Return the object's record with what is ours in our name, or None when it says so already."""
    estate = _Estate.of(live, succession)
    before = estate.record.fields if estate.record else NOTHING
    if not estate.left_to_us and (estate.record is None or estate.ours == before):
        return None
    record = estate.record or _adapted(estate.left_to_us[0])
    kept = [entry.holding(entry.fields) for entry in estate.others]
    return [*kept, record.holding(estate.ours)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Estate:
    """Who keeps what: our record as it is, what will be ours, whose that was, and what others keep."""

    record: Entry | None
    ours: FieldSet
    left_to_us: tuple[Entry, ...]
    others: tuple[Entry, ...]

    @classmethod
    def of(cls, live: Live, succession: Succession) -> "_Estate":
        found = entries(live)
        record = next((entry for entry in found if entry.ours), None)
        ours = record.fields if record else NOTHING
        shared = succession.wanted | succession.usurped | ours
        taken = {
            entry: entry.fields if _declared(entry, succession, live) else entry.fields & shared
            for entry in found
            if _declared(entry, succession, live) or by_hand(_told(entry))
        }
        kept = {entry: entry.fields - taken.get(entry, NOTHING) for entry in found}
        return cls(
            record=record,
            ours=ours.union(succession.usurped, *taken.values()),
            left_to_us=tuple(entry for entry, fields in taken.items() if fields),
            others=tuple(
                replace(entry, fields=fields)
                for entry, fields in kept.items()
                if fields and entry is not record
            ),
        )


def _adapted(entry: Entry) -> Entry:
    """Return a record of ours in the form of another one, of which only the version of the fields is kept."""
    kept = {key: value for key, value in entry.written.items() if key != "subresource"}
    written = {**kept, "manager": FIELD_MANAGER, "operation": APPLY}
    return Entry(manager=FIELD_MANAGER, operation=APPLY, written=written)


def _told(entry: Entry) -> str:
    """Return a manager's name as the server tells it in conflicts."""
    return f"{entry.manager} ({entry.subresource})" if entry.subresource else entry.manager


def _declared(entry: Entry, succession: Succession, live: Live) -> bool:
    """Whether a manager declared the object, by a manifest of its own, and all that it owns is left to us."""
    if entry.subresource or entry.ours:
        return False
    if entry.manager in succession.whole:
        return True
    match entry.manager, entry.operation:
        case "kubectl-client-side-apply", "Update":
            return True
        case "kubectl", "Apply":  # kubectl apply --server-side
            return True
        case ("before-first-apply", "Update"):
            # All that was there before anybody's fields were recorded.
            return bool(annotation(live, LAST_APPLIED))
        case _:
            return False

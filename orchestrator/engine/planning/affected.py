"""Which units of a stack a range of commits touches, and why each was taken or left."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestrator.engine.planning.makings import Makings, difference, makings_of
from orchestrator.engine.planning.wanted import Wanted, read_wanted
from orchestrator.engine.session import Session, earlier
from orchestrator.errors import InvalidStack, UsageError
from orchestrator.plans.plan import Considered, Revision, Since
from orchestrator.stack.graph import Graph
from orchestrator.stack.model import UnitId

_UNTOUCHED = "nothing that it is made of changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """What is planned of a stack: the units touched with all that goes with them, and those that Git lost."""

    since: Since
    units: tuple[UnitId, ...]
    removed: frozenset[UnitId]


def affected(session: Session, wanted: Wanted, name: str) -> Affected:
    """Compare the session's revision with the one called ``name``, unit by unit.

    A unit is touched when its entry, its files, a variable that it reads or a setting of its stack changed;
    with it go the units that read it, and those that all of these need. Raises RepositoryError when there is
    no such revision here.
    """
    since = session.repository.revision(name)
    former, unreadable = _former(session, since)
    touched = dict(_touched(session, wanted, former))
    if unreadable:
        touched = dict.fromkeys(wanted.graph.order, unreadable)
    removed = frozenset(former).difference(wanted.graph.order)
    reasons = _with_all_that_goes(wanted.graph, touched)
    considered = [
        *(
            Considered(unit=unit, taken=unit in reasons, reason=reasons.get(unit, _UNTOUCHED))
            for unit in wanted.graph.order
        ),
        *(
            Considered(unit=unit, taken=True, reason="is no longer in Git")
            for unit in sorted(removed)
        ),
    ]
    return Affected(
        since=Since(revision=since, considered=tuple(considered)),
        units=tuple(unit for unit in wanted.graph.order if unit in reasons),
        removed=removed,
    )


def _former(session: Session, revision: Revision) -> tuple[Mapping[UnitId, Makings], str]:
    """Return what the units were made of, or why nobody can tell, so that all of them count as touched."""
    try:
        then = earlier(session, revision)
        memory = session.repository.folder / "manifests" / "before"
        wanted = read_wanted(then.tree, then.stack, memory=memory)
        return {unit.id: makings_of(then.tree, wanted, unit) for unit in wanted.stack.units}, ""
    except UsageError:
        return {}, f"there was no {session.owner} at {revision}"
    except InvalidStack as error:
        return {}, f"the stack could not be read at {revision}{_cause(error)}"


def _cause(error: InvalidStack) -> str:
    """Return the first mistake, which may be of another file than the stack's."""
    for mistake in error.mistakes[:1]:
        return (
            f" ({mistake.place.file}: {mistake.message})"
            if mistake.place
            else f" ({mistake.message})"
        )
    return ""


def _touched(
    session: Session, wanted: Wanted, former: Mapping[UnitId, Makings]
) -> Iterator[tuple[UnitId, str]]:
    for unit in wanted.stack.units:
        before = former.get(unit.id)
        if before is None:
            yield unit.id, "is new"
        elif changed := difference(before, makings_of(session.tree, wanted, unit)):
            yield unit.id, changed


def _with_all_that_goes(graph: Graph, touched: Mapping[UnitId, str]) -> dict[UnitId, str]:
    """Return why each unit is taken: touched itself, or reading what is, or read by one of these.

    Who is only told to wait for another has nothing of its values.
    """
    reasons = dict(touched)
    for unit in graph.order:  # every unit stands behind those that it needs
        for need in _read_by(graph, unit):
            if need in reasons:
                reasons.setdefault(unit, f"{graph.reason(unit, need)}, which is planned")
    for unit in reversed(graph.order):
        for need in _read_by(graph, unit) if unit in reasons else ():
            reasons.setdefault(need, f"{unit} {graph.reason(unit, need)}")
    return reasons


def _read_by(graph: Graph, unit: UnitId) -> tuple[UnitId, ...]:
    return tuple(need for need, why in graph.edges[unit].items() if why.reads)

"""What people may ask a ledger about by name: units, and the objects and resources of them. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.engine.history.runs import RecordedRun
from orchestrator.errors import UsageError
from orchestrator.ledger.entry import LedgerState
from orchestrator.stack.model import UnitId
from orchestrator.stack.names import nearest

_MOST_LISTED = 8


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Subject:
    """A unit, or a thing of it by the name that plans call it by; a unit is named as itself."""

    unit: UnitId
    name: str

    @property
    def is_object(self) -> bool:
        """Whether it is a Kubernetes object, which has its name in whatever unit."""
        return self.unit.startswith("manifests.") and self.name != self.unit

    def __str__(self) -> str:
        """Return the name that is not another's: objects and units have one, resources one in each unit."""
        plain = self.is_object or self.name == self.unit
        return self.name if plain else f"{self.unit}/{self.name}"


def subjects_of(state: LedgerState, runs: Iterable[RecordedRun]) -> tuple[Subject, ...]:
    """Return all that a ledger knows by name, sorted; an object once, in the unit that it was in last."""
    things: dict[str, Subject] = {}
    for subject in (*_present(state), *_planned(runs)):
        things.setdefault(str(subject), subject)
    return tuple(sorted(things.values()))


def find_subject(name: str, known: Iterable[Subject]) -> Subject | None:
    """Return what ``name`` means, None when nothing is called so; raises UsageError when several things are."""
    subjects = tuple(known)
    exact = [each for each in subjects if name in {each.name, str(each)}]
    fitting = exact or [each for each in subjects if _plain(name) in _short_names(each)]
    if len(fitting) > 1:
        several = ", ".join(map(str, fitting[:_MOST_LISTED]))
        message = f"{len(fitting)} things are called {name!r}"
        raise UsageError(message, hint=f"name one of them: {several}")
    return fitting[0] if fitting else None


def unknown(name: str, known: Iterable[Subject], *, where: str) -> UsageError:
    """Return the error for a name that nothing has."""
    near = nearest(name, map(str, known))
    hint = (
        f"did you mean {near!r}?"
        if near
        else "name a unit, an object such as 'Deployment shop/web', or a resource by its address"
    )
    return UsageError(f"the ledger of {where} knows nothing that is called {name!r}", hint=hint)


def _present(state: LedgerState) -> Iterator[Subject]:
    yield from (Subject(unit=unit, name=unit) for unit in state.units)
    yield from (Subject(unit=owned.unit, name=str(owned.ref)) for owned in state.inventory)


def _planned(runs: Iterable[RecordedRun]) -> Iterator[Subject]:
    for run in runs:
        for unit in run.plan.units if run.plan else ():
            yield from (Subject(unit=unit.unit, name=change.name) for change in unit.changes)
        yield from (Subject(unit=unit, name=unit) for unit in run.records)


def _short_names(subject: Subject) -> set[str]:
    """Return what else a thing may be called: ``deployment/web`` and ``deployment/shop/web``, ``shop``."""
    if subject.name == subject.unit:
        return {subject.unit.partition(".")[2]}
    if not subject.is_object:
        return set()
    kind, _, place = _plain(subject.name).partition("/")
    return {f"{kind}/{place}", f"{kind}/{place.rpartition('/')[2]}"}


def _plain(name: str) -> str:
    return "/".join(name.lower().split())

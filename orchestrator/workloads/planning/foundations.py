"""Namespaces and definitions that are about to go: what Git wants of the things in them would go with them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from orchestrator.errors import InvalidStack, Mistake, Place
from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.definitions.custom_resources import DEFINITION
from orchestrator.workloads.live import Live, mapping, text
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.planning.resting import why_kept
from orchestrator.workloads.planning.steps import SetPlan
from orchestrator.workloads.planning.world import World

_NAMESPACE: Final = ("", "Namespace")
_MOST_NAMED: Final = 3

_Key: TypeAlias = tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Ending:
    """A namespace or definition that is deleted, or made anew, and what would go with it though it is to stay."""

    ref: ObjectRef
    how: str
    place: Place | None = None
    wanted: list[WantedObject] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def check_foundations(
    plans: Iterable[SetPlan], wanted: Iterable[WantedObject], world: World
) -> None:
    """Raise InvalidStack when something is deleted or made anew with objects in it that are to stay.

    ``wanted`` are the objects of all sets, also of those that are not planned. An object that asks to stay counts
    too, though Git does not declare it any more.
    """
    plans, wanted = tuple(plans), tuple(wanted)
    endings = {**_deleted(plans, world), **_made_anew(wanted, world)}
    if not endings:
        return
    for item in wanted:
        for ending in _around(item, endings):
            ending.wanted.append(item)
    for ref in (ref for plan in plans for ref in plan.forgotten if ref in world.live):
        for ending in _found(endings, ("namespace", ref.namespace), ("kind", ref.group, ref.kind)):
            ending.kept.append(f"{ref}, which {why_kept(world.live[ref])}")
    mistakes = tuple(mistake for ending in endings.values() for mistake in _mistakes(ending))
    if mistakes:
        raise InvalidStack(mistakes)


def _deleted(plans: Iterable[SetPlan], world: World) -> dict[_Key, _Ending]:
    return {
        key: _Ending(ref=item.ref, how=f"would be deleted, since {plan.unit} does not declare it")
        for plan in plans
        for item in plan.prune
        if (key := _key(item.ref, world.live[item.ref]))
    }


def _made_anew(wanted: Iterable[WantedObject], world: World) -> dict[_Key, _Ending]:
    found: dict[_Key, _Ending] = {}
    for item in wanted:
        if item.group_kind not in {_NAMESPACE, DEFINITION}:
            continue
        verdict = world.verdicts.get(item.ref) if item.ref else None
        if item.ref and verdict and verdict.live and verdict.replaced is not None:
            key = _key(item.ref, verdict.live)
            found[key] = _Ending(
                ref=item.ref, how="would be deleted and made anew", place=item.place
            )
    found.pop((), None)
    return found


def _key(ref: ObjectRef, live: Live) -> _Key:
    """Return what objects in a namespace or of a definition are found by; empty for anything else."""
    if (ref.group, ref.kind) == _NAMESPACE:
        return "namespace", ref.name
    if (ref.group, ref.kind) == DEFINITION:
        spec = mapping(live, "spec")
        return "kind", text(spec, "group"), text(mapping(spec, "names"), "kind")
    return ()


def _around(item: WantedObject, endings: Mapping[_Key, _Ending]) -> Iterator[_Ending]:
    """Yield what an object cannot be without, also one whose name is not known yet."""
    metadata = item.value.get("metadata")
    namespace = metadata.get("namespace") if isinstance(metadata, Mapping) else None
    return _found(endings, ("namespace", str(namespace)), ("kind", *item.group_kind))


def _found(endings: Mapping[_Key, _Ending], *keys: _Key) -> Iterator[_Ending]:
    return (endings[key] for key in keys if key in endings)


def _mistakes(ending: _Ending) -> Iterator[Mistake]:
    what = f"{ending.ref} {ending.how}, and with it"
    anew = ending.place is not None
    if ending.wanted:
        first = ending.wanted[0]
        names = _listed([item.title for item in ending.wanted])
        them = "it" if len(ending.wanted) == 1 else "them"
        yield Mistake(
            message=f"{what} {names}, which {first.unit} declares",
            place=first.place,
            hint=f"take {them} out of Git and apply that first, then declare {them} again"
            if anew
            else f"declare {ending.ref} again, or annotate it in the cluster with orchestrator/prune: disabled, "
            f"or remove {them} too",
            related=ending.place,
        )
    if ending.kept:
        yield Mistake(
            message=f"{what} {_listed(ending.kept)}",
            place=ending.place,
            hint=f"annotate {ending.ref} in the cluster with orchestrator/prune: disabled as well, or take the "
            "annotation off what is to go with it",
        )


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    shown = ", ".join(names[:_MOST_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown

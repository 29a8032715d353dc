"""The objects that sets want of a cluster, as everything after rendering knows them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orchestrator.errors import InvalidStack, Mistake, Place
from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.expressions import (
    Path,
    Tree,
    pending_in,
)
from orchestrator.stack.model import Drift, Ignored, Rights, UnitId
from orchestrator.workloads.manifests.documents import ManifestDocument
from orchestrator.workloads.masks import NO_MASKS, Masks


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedObject:
    """One object that a set wants.

    ``ref`` is None while its name or namespace is pending; ``title`` names it in either case. ``sensitive``
    are the paths at and below which all is secret; ``rights``, ``drift`` and ``ignore`` are its set's. ``whole``
    is False where something was taken out of it that is left to others; ``masks`` say what was secret before that.
    ``salt`` is what the ledger knows its secrets under, where it does; it is known once live objects are.
    """

    unit: UnitId
    value: Mapping[str, Tree]
    ref: ObjectRef | None
    title: str
    sensitive: frozenset[Path] = frozenset()
    masks: Masks = NO_MASKS
    rights: Rights = field(default_factory=Rights)
    drift: Drift = Drift.HEAL
    ignore: tuple[Ignored, ...] = ()
    whole: bool = True
    salt: str = field(default="", compare=False, repr=False)
    document: ManifestDocument | None = field(default=None, compare=False, repr=False)
    pending: tuple[str, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Look for what is pending once: it is asked for at every step, and to look takes a walk."""
        # The namespace of the set may be pending where nothing in the document is.
        literal = self.ref is not None and self.document is not None and self.document.literal
        object.__setattr__(self, "pending", () if literal else pending_in(dict(self.value)))

    @property
    def place(self) -> Place | None:
        """Return where it is declared: found when asked for, since that takes longer than all the rest."""
        return self.document.place(("metadata", "name")) if self.document else None

    @property
    def group_kind(self) -> tuple[str, str]:
        """Return the API group and the kind."""
        group, _, kind = group_version_kind(self.value)
        return group, kind


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedSet:
    """The objects of one set, in the order of their files."""

    unit: UnitId
    objects: tuple[WantedObject, ...]

    @property
    def pending(self) -> tuple[str, ...]:
        """Return the references that anything in the set waits for, sorted."""
        return tuple(sorted({path for item in self.objects for path in item.pending}))


def check_identities(sets: Iterable[RenderedSet]) -> None:
    """Raise InvalidStack when two objects turned out to be the same one, naming both places."""
    first: dict[ObjectRef, WantedObject] = {}
    mistakes: list[Mistake] = []
    for item in (item for rendered in sets for item in rendered.objects):
        earlier = first.setdefault(item.ref, item) if item.ref else item
        if earlier is not item:
            message = f"{item.title} is declared twice"
            hint = "remove or rename one of them"
            mistakes.append(
                Mistake(message=message, place=item.place, hint=hint, related=earlier.place)
            )
    if mistakes:
        raise InvalidStack(tuple(mistakes))


def group_version_kind(value: Mapping[str, Tree]) -> tuple[str, str, str]:
    """Return what a manifest says that it is; empty texts where it does not."""
    group, _, version = str(value.get("apiVersion", "")).rpartition("/")
    return group, version, str(value.get("kind", ""))

"""What of a set was sent, as far as it got: of one that does not come to its end, that is all that is known."""

from dataclasses import dataclass, field

from orchestrator.plans.objects import ObjectRef, OwnedObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a set's objects, filled in while they are applied, from several threads.

    ``open`` are those that were sent, and not refused; ``known`` are those that were accepted, as the inventory keeps
    them. A Job that the cluster removes by itself is known when it came to a good end: nobody can look later.
    """

    open: set[ObjectRef] = field(default_factory=set)
    known: dict[ObjectRef, OwnedObject] = field(default_factory=dict)

"""What a stack says about how it is changed: what a plan may not do, when, and what follows a failure."""

from dataclasses import dataclass, field

_LONGEST_PAUSE = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time that comes again and again: when it begins, as cron writes it, and how many seconds it lasts."""

    cron: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """When a stack may be changed: within what ``allow`` opens, if it says anything, and outside of ``freeze``.

    ``zone`` is the name of the time zone that cron's times are read in, such as ``Europe/Berlin``.
    """

    zone: str = "UTC"
    allow: tuple[Window, ...] = ()
    freeze: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """How much a plan may delete before somebody has to say that it is meant, and who has to agree to it when.

    ``prune`` is a share in percent of what a set, or the stack, owns; fewer than ``at_least`` objects are no
    matter. Small sets change as a whole, so by default ten have to go; a share that is written down counts
    from the first. ``destroys`` is how many resources and objects may be deleted or replaced, None for any
    number. ``empty`` says that a stack may be left without any unit. ``approvals`` is how many people have to
    approve a plan; with ``own_approvals`` who applies it, or wrote what it brings, may be one of them.
    """

    prune: int = 50
    at_least: int = 10
    destroys: int | None = None
    empty: bool = False
    windows: Windows = field(default_factory=Windows)
    approvals: int = 0
    own_approvals: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OnFailure:
    """What follows when a unit fails: how often it is tried in all, and whether workloads are brought back.

    ``backoff`` is how many seconds there are before the second attempt; it doubles with each.
    """

    attempts: int = 1
    backoff: float = 10.0
    restore: bool = False

    def pause_after(self, attempt: int) -> float:
        """Return how many seconds to wait after the attempt of that number, which counts from 1."""
        pause: float = self.backoff * 2 ** (attempt - 1)
        return min(pause, max(self.backoff, _LONGEST_PAUSE))

"""What merging a request would do to each stack and environment that it touches, as data for reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from orchestrator.errors import OrchestratorError
from orchestrator.plans.plan import Plan


class Ruling(StrEnum):
    """Whether a plan may be merged, by what guards say of it: a person has to approve it first, or it goes too far."""

    PASSES = "passes"
    WAITS = "waits"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPreview:
    """What merging would do to one stack in one environment.

    Either ``plan`` or ``error`` is there. ``refusals`` is what guards would not let pass, with what to do about
    it; ``awaited`` says who has to approve the plan, ``later`` why it could not be applied at this time, and
    ``approved_by`` who looked at just this plan and approved it. ``reasons`` say why the stack was planned.
    ``overruled`` are the keys by which the request would change how it is judged: those of the base count.
    ``unjudged`` says why the base could not tell, or is empty. ``ledger`` is the entry that the plan was made
    after, empty for none.
    """

    stack: str
    environment: str
    plan: Plan | None = None
    error: OrchestratorError | None = None
    refusals: tuple[OrchestratorError, ...] = ()
    awaited: tuple[OrchestratorError, ...] = ()
    later: tuple[OrchestratorError, ...] = ()
    approved_by: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    overruled: tuple[str, ...] = ()
    unjudged: str = ""
    ledger: str = ""

    @property
    def name(self) -> str:
        """Return ``stack/environment``."""
        return f"{self.stack}/{self.environment}"

    @property
    def ruling(self) -> Ruling:
        """Return whether it may be merged; that it is the wrong time for an apply is no reason against that.

        Where the base could not judge what is done, a person has to.
        """
        if self.refusals and not self.approved_by:
            return Ruling.REFUSED
        unseen = self.unjudged and not self.approved_by and self.plan and self.plan.effective
        return Ruling.WAITS if self.awaited or unseen else Ruling.PASSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What merging a request would do; stacks stand by their names.

    ``base`` and ``head`` are the commits that would be merged, ``into`` is what the base is called, empty where it is
    a commit alone. ``error`` says why nothing could be planned at
    all, such as a conflict; ``notes`` are sentences about the whole. ``ci_run`` is the address of the run that
    planned, or empty. ``configuration`` tells apart comments of several runs on one request. ``begun`` is when that run
    began, in milliseconds since 1970, and 0 where nobody asks.
    """

    base: str
    head: str
    into: str = ""
    stacks: tuple[StackPreview, ...] = ()
    error: OrchestratorError | None = None
    notes: tuple[str, ...] = ()
    ci_run: str = ""
    configuration: str = "default"
    begun: int = 0


class Became(StrEnum):
    """What became of a plan after its request was merged, as far as the ledger knows."""

    APPLIED = "applied"
    FAILED = "failed"
    BEGUN = "begun"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Afterwards:
    """What became of the plan called ``name``: when, by whom, in which CI run, and whether it was the plan shown."""

    name: str
    became: Became
    at: datetime | None = None
    who: str = ""
    as_shown: bool = False
    ci_run: str = ""


class Found(StrEnum):
    """How a request stood when its comment was brought up to date."""

    NO_COMMENT = "has no comment of ours"
    CURRENT = "is as its comment says"
    STALE = "is stale"
    MERGED = "is merged"
    CLOSED = "is closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """How a request stood.

    ``stale`` says why which of its plans do not hold any more, ``afterwards`` what came of them after a merge.
    """

    number: int
    found: Found
    stale: Mapping[str, str] = field(default_factory=dict)
    afterwards: tuple[Afterwards, ...] = ()

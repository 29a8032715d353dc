"""A rollback that was prepared, in the shape in which people and programs are told."""

from dataclasses import dataclass
from datetime import datetime

from orchestrator.plans.plan import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """A new commit, what it goes back to, and where it is.

    ``entry``, ``at`` and ``by`` tell when all of ``target`` was applied last, and are empty or None when it never
    was. ``branch`` has the commit, ``here`` says that it is the one checked out; ``remote`` was pushed to, or is
    empty; ``requested`` says that a request is to be opened, at ``address`` if anybody knows where.
    """

    stack: str
    environment: str
    revision: Revision
    target: Revision
    entry: str = ""
    at: datetime | None = None
    by: str = ""
    changed: tuple[str, ...]
    notices: tuple[str, ...] = ()
    branch: str
    here: bool
    remote: str = ""
    requested: bool = False
    address: str = ""

"""Entries that stand alone: what was done to the ledger itself."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Final

from orchestrator import clock
from orchestrator.engine.recording import who
from orchestrator.engine.session import Session
from orchestrator.ledger.entry import Entry, Kind, Operation, Run, UnitRecord, redacted
from orchestrator.plans.objects import ObjectRef, OwnedObject

_VERBS: Final[Mapping[Operation, str]] = {Operation.MOVE: "import"}


def note(  # noqa: PLR0913 - one argument for each part of an entry that notes differ in
    session: Session,
    operation: Operation,
    message: str,
    *,
    previous: str,
    units: Iterable[UnitRecord] = (),
    inventory: Iterable[OwnedObject] = (),
    deleted: Iterable[ObjectRef] = (),
    cluster: str = "",
) -> Entry:
    """Return the entry that notes an operation on a ledger, redacted; ``previous`` is the id of the one before."""
    settings, stack = session.surroundings.settings, session.stack
    run = Run(
        id=uuid.uuid4().hex,
        operation=operation,
        revision=session.revision,
        plan="",
        who=who(session),
        host=settings.host,
        command=f"orchestrator ledger {_VERBS.get(operation, operation)} {stack.name} --env {stack.environment}",
        ci_run=settings.ci_run,
    )
    entry = Entry(
        id=uuid.uuid4().hex,
        previous=previous,
        kind=Kind.NOTED,
        run=run,
        at=clock.now(),
        message=message,
        cluster=cluster,
        units=tuple(units),
        inventory=tuple(inventory),
        deleted=tuple(deleted),
    )
    return redacted(entry, session.surroundings.secrets.redact)

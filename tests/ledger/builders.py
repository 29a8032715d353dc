"""Entries, records and holders with defaults, so that a test names only what it is about."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from orchestrator.ledger.entry import Entry, Kind, Operation, Run, UnitRecord
from orchestrator.ledger.holder import Holder
from orchestrator.plans.events import Outcome
from orchestrator.plans.objects import ObjectRef, OwnedObject, Owner
from orchestrator.plans.plan import Revision
from orchestrator.stack.model import UnitId

NOON = datetime(2025, 3, 14, 12, 0, 0, tzinfo=UTC)
OWNER = Owner(stack="shop", environment="production")
REVISION = Revision(
    commit="", subject="Add the shop"
)  # of no repository: a store links no commit to it


def holder(
    name: str = "first", *, user: str = "Ada", process: int = 4711, host: str = "build-7"
) -> Holder:
    """Return a holder on a machine that is not this one; the name is its token."""
    return Holder(
        token=name,
        user=user,
        host=host,
        process=process,
        birth=f"boot/namespace/{process}",
        command="orchestrator apply shop",
        since=NOON,
    )


def run(
    *,
    revision: Revision = REVISION,
    command: str = "orchestrator apply shop",
    operation: Operation = Operation.APPLY,
    whole: bool = True,
) -> Run:
    """Return a run that applies all of a revision."""
    return Run(
        id="run-1",
        operation=operation,
        revision=revision,
        plan="sha256:1234",
        who="Ada Lovelace <ada@example.org>",
        host="build-7",
        command=command,
        whole=whole,
    )


def record(
    unit: str = "modules.network",
    outcome: Outcome = Outcome.APPLIED,
    *,
    revision: Revision = REVISION,
    protect: bool = False,
    why: str = "",
) -> UnitRecord:
    """Return how it went with a unit."""
    return UnitRecord(
        unit=UnitId(unit),
        outcome=outcome,
        revision=revision,
        at=NOON,
        by="Ada",
        fingerprint="f1",
        health="healthy",
        protect=protect,
        why=why,
    )


def owned(name: str = "web", *, unit: str = "manifests.shop", uid: str = "") -> OwnedObject:
    """Return a Deployment of the inventory."""
    return OwnedObject(ref=deployment(name), unit=UnitId(unit), uid=uid)


def deployment(name: str = "web", *, version: str = "v1") -> ObjectRef:
    """Return the reference of a Deployment."""
    return ObjectRef(group="apps", version=version, kind="Deployment", namespace="shop", name=name)


def entry(  # noqa: PLR0913 - one argument for each field that a test may be about
    number: int = 1,
    kind: Kind = Kind.STARTED,
    *,
    units: Iterable[UnitRecord] = (),
    inventory: Iterable[OwnedObject] = (),
    deleted: Iterable[ObjectRef] = (),
    of: Run | None = None,
    message: str = "",
    outcome: Outcome = Outcome.APPLIED,
) -> Entry:
    """Return the entry of that number, which follows the one before."""
    return Entry(
        id=f"entry-{number}",
        previous=f"entry-{number - 1}" if number > 1 else "",
        kind=kind,
        run=of or run(),
        at=NOON + timedelta(minutes=number),
        message=message or f"apply shop/production at {REVISION}: entry {number}",
        units=tuple(units),
        inventory=tuple(inventory),
        deleted=tuple(deleted),
        outcome=outcome if kind is Kind.FINISHED else None,
    )

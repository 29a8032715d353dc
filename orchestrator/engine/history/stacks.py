"""All stacks: those that Git declares, and those of which only a ledger is left."""

from collections.abc import Iterable

from orchestrator.engine.history.opening import Files, all_ledgers, read_files
from orchestrator.engine.ledgers.listing import Listed
from orchestrator.engine.session import Surroundings
from orchestrator.ledger.entry import LedgerState
from orchestrator.plans.events import Outcome
from orchestrator.plans.history import StackLine
from orchestrator.plans.objects import Owner
from orchestrator.repository.repository import open_repository

_SETTLED = frozenset({Outcome.APPLIED, Outcome.UNCHANGED})


def read_stacks(surroundings: Surroundings) -> tuple[StackLine, ...]:
    """Return a line for each stack and environment that is declared, or that a ledger is about; sorted.

    A place of ledgers that does not answer is told. Raises UsageError outside of a repository.
    """
    repository = open_repository(surroundings.directory)
    files = read_files(repository)
    return stack_lines(files, all_ledgers(surroundings, repository, files))


def read_vanished(surroundings: Surroundings) -> tuple[StackLine, ...]:
    """Return a line for each stack and environment that is declared no more and has something left; sorted."""
    repository = open_repository(surroundings.directory)
    files = read_files(repository)
    ledgers = all_ledgers(
        surroundings, repository, files, wanted=lambda owner: files.declares(owner) is False
    )
    lines = (stack_line(owner, ledgers[owner], declared=False) for owner in _sorted(ledgers))
    return tuple(line for line in lines if line.vanished)


def _sorted(owners: Iterable[Owner]) -> list[Owner]:
    return sorted(owners, key=lambda each: (each.stack, each.environment))


def stack_lines(files: Files, ledgers: Listed) -> tuple[StackLine, ...]:
    """Return a line for each stack and environment of both."""
    declared = (
        Owner(stack=stack, environment=environment)
        for stack, names in files.environments.items()
        for environment in names or ()
    )
    owners = _sorted({*declared, *ledgers})
    return tuple(
        stack_line(owner, ledgers.get(owner, LedgerState()), declared=files.declares(owner))
        for owner in owners
    )


def stack_line(owner: Owner, state: LedgerState | None, *, declared: bool | None) -> StackLine:
    """Return what a state says of a stack as a whole, None that nobody can tell."""
    if state is None:
        says = "its ledger cannot be read"
        return StackLine(
            stack=owner.stack, environment=owner.environment, says=says, declared=declared
        )
    records = sorted(state.units.values(), key=lambda record: record.at)
    last = records[-1] if records else None
    return StackLine(
        stack=owner.stack,
        environment=owner.environment,
        says=_says(state),
        declared=declared,
        revision=(last.applied or last.revision) if last else None,
        at=last.at if last else None,
        by=last.by if last else "",
        modules=sum(1 for unit in state.units if unit.startswith("modules.")),
        objects=len(state.inventory),
    )


def _says(state: LedgerState) -> str:
    if not state.head:
        return "not applied yet"
    if state.open is not None:
        return "unfinished"
    if not state.units and not state.inventory:
        return "nothing is left"
    outcomes = {record.outcome for record in state.units.values()}
    if outcomes <= _SETTLED:
        return "applied"
    return "failed" if Outcome.FAILED in outcomes else "interrupted"

"""Which ledger is meant: by what Git declares where it can be read, else by the ledgers that there are."""

from collections.abc import Callable, Collection, Iterable, Mapping

from orchestrator.errors import UsageError
from orchestrator.plans.objects import Owner
from orchestrator.stack.names import did_you_mean

Declared = Mapping[str, tuple[str, ...] | None]
"""The environments of each stack that Git declares; None for one whose file cannot be read."""

Recorded = Callable[[], Collection[Owner]]
"""Tells whose ledgers there are; asking may cost a round trip."""


def choose_ledger(
    stack: str | None, environment: str | None, declared: Declared, recorded: Recorded
) -> Owner:
    """Return whose ledger is meant; None takes the only one.

    What Git declares is enough where it tells; then nobody asks which ledgers there are. Raises UsageError.
    """
    name = stack or _only_stack(declared, recorded)
    names = declared.get(name) or ()
    if environment in names:
        return Owner(stack=name, environment=environment)
    if environment is None and names:
        return Owner(stack=name, environment=_only_environment(name, names))
    found = sorted(each.environment for each in recorded() if each.stack == name)
    if environment in found:
        return Owner(stack=name, environment=environment)
    if not found and name not in declared:
        raise _no_stack(name, {*declared, *(each.stack for each in recorded())})
    if environment is not None:
        raise _no_environment(name, environment, {*names, *found})
    if not found:
        message = f"nothing is recorded of stack {name!r}, and its file cannot be read"
        raise UsageError(message, hint=f"see what is wrong with it: orchestrator validate {name}")
    return Owner(stack=name, environment=_only_environment(name, found))


def _only_stack(declared: Declared, recorded: Recorded) -> str:
    names = sorted(declared or {each.stack for each in recorded()})
    if not names:
        message = "there is no stack here, and no ledger of one"
        raise UsageError(message, hint="make one with 'orchestrator init NAME'")
    if len(names) > 1:
        message = f"there are {len(names)} stacks here: {', '.join(names)}"
        raise UsageError(message, hint="name the one that is meant")
    return names[0]


def _only_environment(stack: str, names: Collection[str]) -> str:
    first, *others = names
    if others:
        message = f"stack {stack!r} has {len(names)} environments: {', '.join(names)}"
        raise UsageError(message, hint=f"choose one, such as --env {first}")
    return first


def _no_stack(name: str, known: Iterable[str]) -> UsageError:
    hint = did_you_mean(name, known, otherwise="make one with 'orchestrator init NAME'")
    return UsageError(f"there is no stack {name!r}, and no ledger of one", hint=hint)


def _no_environment(stack: str, environment: str, known: Iterable[str]) -> UsageError:
    message = f"stack {stack!r} has no environment {environment!r}, and there is no ledger of one"
    return UsageError(message, hint=did_you_mean(environment, known))

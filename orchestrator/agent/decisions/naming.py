"""What the agent's file names and Git does not declare: nobody keeps it, and nothing else would tell. Pure."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from orchestrator.agent.configuration.model import Repository, StackSettings
from orchestrator.agent.surveys import Survey, Undeclared
from orchestrator.agent.verdicts import End, Verdict
from orchestrator.plans.declared import Declared
from orchestrator.stack.names import did_you_mean

_MISTAKES: Final = "first correct the stack files that have mistakes: one of them may declare it"
_HINT: Final = "name it as Git does, or remove it from the agent's file"


def undeclared(
    watched: Repository, declared: Sequence[Declared], names: Collection[str]
) -> tuple[Undeclared, ...]:
    """Return the stacks and environments that are named for a repository and are not in a revision of it, sorted.

    ``declared`` has all environments of the stacks that are kept, ``names`` all stacks. Environments that `defaults`
    name are missed where a stack has none of them: not each has to have all.
    """
    if watched.stacks is None:
        return tuple(_of_all(watched.otherwise, declared))
    return tuple(
        each
        for stack, settings in sorted(watched.stacks.items())
        for each in (
            _of_stack(stack, settings, watched.otherwise, declared)
            if stack in names
            else (_missed(stack, "", "there is no such stack", names),)
        )
    )


def outcome(found: Survey) -> Verdict:
    """Return what a look at a repository comes to: the worst of what it found."""
    troubles = [each.trouble for each in found.declared if each.trouble]
    if troubles:
        return Verdict(end=End.FAILED, message=troubles[-1])
    if found.undeclared:
        named = ", ".join(str(each) for each in found.undeclared)
        return Verdict(end=End.HELD, message=f"not declared in Git: {named}")
    return Verdict(end=End.UNCHANGED)


def doubt(found: Survey) -> str:
    """Return what to do first about what a revision seems to declare no more; empty where that is certain."""
    return _MISTAKES if any(each.mistakes or each.trouble for each in found.declared) else ""


def _of_all(usual: StackSettings, declared: Sequence[Declared]) -> Iterator[Undeclared]:
    there = {each.environment for each in declared if not each.trouble}
    wanted = usual.environments or ()
    if there and there.isdisjoint(wanted):
        for environment in wanted:
            yield _missed("", environment, "none of its stacks has this environment", there)


def _of_stack(
    stack: str, settings: StackSettings, usual: StackSettings, declared: Sequence[Declared]
) -> Iterator[Undeclared]:
    own = [each for each in declared if each.stack == stack]
    if any(each.trouble for each in own):
        return
    there, wanted = {each.environment for each in own}, settings.environments or ()
    if wanted == usual.environments and not there.isdisjoint(wanted):
        return
    for environment in wanted:
        if environment not in there:
            yield _missed(stack, environment, "the stack has no such environment", there)


def _missed(stack: str, environment: str, why: str, there: Collection[str]) -> Undeclared:
    hint = did_you_mean(environment or stack, there, otherwise=_HINT)
    return Undeclared(stack=stack, environment=environment, why=why, hint=hint)

"""Merge on the side, see which stacks the merge touches, plan those side by side."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import Final

from orchestrator.engine.planning.plan import make_plan
from orchestrator.engine.planning.selection import Selection
from orchestrator.engine.previewing.judging import judge
from orchestrator.engine.previewing.settings import settings_for
from orchestrator.engine.previewing.touched import Merge, Touched, touched
from orchestrator.engine.previewing.trust import overruled_settings
from orchestrator.engine.session import Session, Surroundings
from orchestrator.errors import (
    Interrupted,
    InvalidStack,
    OrchestratorError,
    RepositoryError,
)
from orchestrator.plans.events import Event, Notice
from orchestrator.plans.preview import Preview, StackPreview
from orchestrator.plans.redaction import Secrets, without_secrets_of_others
from orchestrator.repository.repository import open_repository
from orchestrator.stack.links import trail
from orchestrator.stack.load import environment_names, load_project, stack_files
from orchestrator.stack.project import PROJECT_FILE, Project

_AT_ONCE: Final = 4


def make_preview(
    surroundings: Surroundings,
    *,
    base: str,
    head: str,
    announce: Callable[[Sequence[str]], None] = lambda _names: None,
) -> Preview:
    """Plan what merging one revision into another would do; what fails for one stack is part of the answer.

    So is a conflict. What ``orchestrator.yaml`` says, and by which policies a stack is judged, is read from the base,
    never from what is to be merged. ``announce`` is told what is going to be planned, by its names.
    Raises UsageError, RepositoryError when a revision is not there, Interrupted.
    """
    repository = open_repository(surroundings.directory)
    onto, from_ = repository.revision(base), repository.revision(head)
    preview = Preview(base=onto.commit, head=from_.commit, ci_run=surroundings.settings.ci_run)
    merged = repository.merged(onto, from_)
    if merged.conflicts:
        return replace(preview, error=_conflict(merged.conflicts))
    result = repository.revision(merged.commit)
    try:
        project, unjudged = settings_for(repository, onto, result)
        merge = Merge(
            surroundings=replace(surroundings, trusted=onto.commit, aside=result.commit),
            repository=repository,
            base=onto,
            result=result,
            project=project,
            unjudged=unjudged,
        )
        changed = repository.changed_between(merge.base, merge.result)
        notes, found = tuple(_notes(merge, changed)), tuple(touched(merge, changed))
    except InvalidStack as error:
        return replace(preview, error=error)
    announce(tuple(f"{each.stack}/{each.environment}" for each in found))
    return replace(preview, stacks=_side_by_side(merge, found), notes=notes)


def _side_by_side(merge: Merge, found: tuple[Touched, ...]) -> tuple[StackPreview, ...]:
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        started: list[Future[StackPreview]] = [
            pool.submit(copy_context().run, _preview, merge.surroundings, each) for each in found
        ]
    secrets = merge.surroundings.secrets
    # What one plan learnt is as secret in those that were done before.
    return tuple(_without_secrets_of_others(each.result(), secrets) for each in started)


def _without_secrets_of_others(made: StackPreview, secrets: Secrets) -> StackPreview:
    plan = made.plan and without_secrets_of_others(made.plan, secrets)
    return replace(made, plan=plan)


def _preview(surroundings: Surroundings, one: Touched) -> StackPreview:
    preview = StackPreview(
        stack=one.stack,
        environment=one.environment,
        error=one.error,
        reasons=one.reasons,
        overruled=one.judged.overruled if one.judged else (),
        unjudged=one.judged.unjudged if one.judged else "",
    )
    if one.session is None or one.judged is None:
        return preview
    if surroundings.stop.requested:
        message = "stopped before everything was planned; nothing was changed"
        raise Interrupted(message)
    surroundings.on_event(Notice(text=f"planning {preview.name}"))
    try:
        with ExitStack() as resources:
            planned = make_plan(_alone(one.session, resources), Selection(), resources)
            judgement = judge(planned, one.judged)
            return replace(
                preview,
                plan=planned.plan,
                refusals=judgement.refusals,
                awaited=judgement.awaited,
                later=judgement.later,
                approved_by=judgement.approved_by,
                ledger=planned.ledger.head,
            )
    except Interrupted:
        raise
    except OrchestratorError as error:
        return replace(preview, error=error)


def _alone(session: Session, resources: ExitStack) -> Session:
    """Return a session whose plan files, connections and events are not those of the ones beside it."""
    surroundings = replace(
        session.surroundings,
        on_event=_unheard,
        plan_files=[],
        resources=resources,
        ledgers={},
    )
    return replace(session, surroundings=surroundings)


def _unheard(_event: Event) -> None:
    """Units of several stacks have the same names, so that a display could not tell them apart."""


def _conflict(paths: tuple[str, ...]) -> RepositoryError:
    return RepositoryError(
        f"the two conflict in {', '.join(paths)}",
        hint="merge the base into the request, or rebase the request onto it",
    )


def _notes(merge: Merge, changed: frozenset[str]) -> Iterator[str]:
    """Say what a plan of what is there after the merge does not show; raises InvalidStack for settings gone bad."""
    for name in _gone(merge, changed):
        yield f"{name} is no longer in Git: what it made stays, unless it is destroyed before"
    before = merge.repository.export(merge.base)
    if merge.unjudged:
        yield f"{PROJECT_FILE} of the base cannot be read: that of the request counts"
    elif not changed.isdisjoint(trail(before, PROJECT_FILE).all):
        after = load_project(merge.repository.export(merge.result))
        keys = ", ".join(overruled_settings(merge.project, after))
        which = f" ({keys})" if keys else ""
        yield f"{PROJECT_FILE} changes{which}: that of the base counts"


def _gone(merge: Merge, changed: frozenset[str]) -> Iterator[str]:
    """Yield the stacks, and the environments of others, that the merge takes out of Git."""
    before = _declared(merge.repository.export(merge.base), merge.project, changed)
    if not before:
        return  # nobody has to look through the other tree for what no stack file tells
    tree = merge.repository.export(merge.result)
    after = _declared(tree, merge.project, changed)
    there = stack_files(tree, merge.project)
    # Of two, one may stay.
    kept = {each.name for each in there if changed.isdisjoint(trail(tree, each.file).all)}
    for name, environments in before.items():
        left = after.get(name, frozenset())
        if name not in after:
            yield from () if name in kept else (name,)
        elif environments is not None and left is not None:
            yield from (f"{name}/{environment}" for environment in sorted(environments - left))


def _declared(
    tree: Path, project: Project, changed: frozenset[str]
) -> dict[str, frozenset[str] | None]:
    """Return the environments of each stack whose file changed, by its name; None for one that cannot be read."""
    found: dict[str, frozenset[str] | None] = {}
    for file in stack_files(tree, project):
        if changed.isdisjoint(trail(tree, file.file).all):
            continue
        try:
            found[file.name] = frozenset(environment_names(tree, file))
        except InvalidStack:
            found[file.name] = None
    return found

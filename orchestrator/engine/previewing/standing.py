"""Whether plans in a comment still hold: what they were made of may have moved on since.

That is the request, the base, the ledger of each stack, and its lock while somebody changes it. Nothing is planned.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.engine.history.opening import bare_stack
from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.planning.paths import Known
from orchestrator.engine.previewing.afterwards import MOST_IMMATERIAL, moved_on
from orchestrator.engine.previewing.touched import (
    Merge,
    in_base,
    may_be_touched,
    may_be_touched_since,
)
from orchestrator.engine.session import Session
from orchestrator.errors import Interrupted, InvalidStack, OrchestratorError, RepositoryError
from orchestrator.ledger.store import Store
from orchestrator.plans.objects import Owner
from orchestrator.plans.plan import Revision
from orchestrator.plans.preview import StackPreview
from orchestrator.reports.preview.memory import Memory
from orchestrator.reports.preview.standing import EVERYTHING
from orchestrator.reports.preview.words import cause
from orchestrator.stack.load import find_stacks, read_environments, read_policies
from orchestrator.stack.model import Ledger
from orchestrator.stack.project import StackFile

_TOO_MANY: Final = "its plans are too many to be remembered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Which plans do not hold any more, or cannot be told to, and why, by ``stack/environment``.

    ``error`` is the first for which that could not be told of some; those are in ``stale``, too.
    """

    stale: Mapping[str, str]
    error: OrchestratorError | None = None


def look(find: Callable[[], Look]) -> Look:
    """Return what is found out; where that fails, nobody can tell of any plan whether it holds."""
    try:
        return find()
    except Interrupted:
        raise
    except OrchestratorError as error:
        return Look(stale={EVERYTHING: _unknown(error)}, error=error)


def stale_plans(merge: Merge, memory: Memory, *, before: Revision, base: str) -> Look:
    """Return which plans of an earlier comment do not hold any more, also where a ledger does not answer.

    ``merge`` is what merging would make by now, ``before`` the base that the plans were made for, and ``base`` what
    that is called. Raises RepositoryError.
    """
    if memory.dropped:
        return Look(stale={EVERYTHING: _TOO_MANY})
    changed = _changed(merge, memory, before)
    if changed is None:
        stale = {EVERYTHING: "moved on"}
    else:
        stale = dict(_stale_by_base(merge, memory, before, changed)) if changed else {}
    stale = {name: f"{base} {why}" for name, why in stale.items()}
    errors: list[OrchestratorError] = []
    for name, plan in memory.plans.items():
        if plan.digest and name not in stale:
            try:
                why = _stale_by_ledger(merge, name, plan.ledger)
            except Interrupted:
                raise
            except OrchestratorError as error:
                errors.append(error)
                why = _unknown(error)
            if why:
                stale[name] = why
    return Look(stale=stale, error=errors[0] if errors else None)


def _unknown(error: OrchestratorError) -> str:
    return f"nobody can tell whether it holds: {cause(error)}"


def _changed(merge: Merge, memory: Memory, before: Revision) -> frozenset[str] | None:
    """Return the files that the base changed, also those to which the request moved them; None where nobody can tell.

    A merge follows what the request moved: what the base did to a file stands elsewhere in its result.
    """
    changed = merge.repository.changed_between(before, merge.base)
    if not changed:
        return changed
    try:
        then = merge.repository.merged(before, merge.repository.revision(memory.head))
        if then.conflicts:
            return None
        result = merge.repository.revision(then.commit)
    except RepositoryError:
        return None
    return changed | merge.repository.changed_between(result, merge.result)


def ledger_of(merge: Merge, name: str) -> Store | None:
    """Open the ledger of ``stack/environment`` where the base keeps it, also of one that Git declares no more.

    None for one that the request alone names, also by settings that it repairs, and for one in the stack's own cluster
    while the base does not say which that is. Nothing of the request counts: what a stack says of its cluster names
    programs that are run to reach it.
    """
    owner = Owner(stack=name.partition("/")[0], environment=name.partition("/")[2])
    if merge.unjudged and merge.project.ledger is not None:
        return None
    found, declared = None, False
    with suppress(InvalidStack):
        found, declared = in_base(merge, owner.stack, owner.environment)
    if found is None and _names_ledger(merge, owner):
        return None
    bare = bare_stack(owner, merge.project.ledger or Ledger())
    stack = replace(found, name=owner.stack) if found else bare
    if stack.ledger.in_own_cluster and not declared:
        return None
    session = Session(
        surroundings=merge.surroundings,
        repository=merge.repository,
        revision=merge.base,
        tree=merge.repository.export(merge.base),
        stack=stack,
    )
    return open_store(session)


def _names_ledger(merge: Merge, owner: Owner) -> bool:
    """Whether a stack of which the base says nothing was planned by a ledger that stands in its own file."""
    if merge.project.ledger is not None:
        return False
    try:
        file = _files(merge, merge.result).get(owner.stack)
        tree = merge.repository.export(merge.result)
        own = read_policies(tree, file, owner.environment, merge.project) if file else None
    except InvalidStack:
        return True
    return own is not None and own.ledger != Ledger()


def _stale_by_base(
    merge: Merge, memory: Memory, before: Revision, changed: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """Yield which plans the base outdated, and what it did; a stack that came may be touched, too."""
    try:
        files = _files(merge, merge.result)
    except InvalidStack:  # base and request each have one of that name: none can be planned
        yield EVERYTHING, "moved on: two stacks have one name by now"
        return
    based: dict[str, StackFile] = {}
    with suppress(InvalidStack):  # two stacks of one name, of which the request may take one away
        based = _files(merge, merge.base)
    planned = {name.partition("/")[0] for name in memory.plans}
    if not memory.whole:
        yield EVERYTHING, "moved on"
    unplanned = {name: file for name, file in files.items() if name not in planned}
    for why in _newly_touched(merge, unplanned, based=based, before=before, changed=changed):
        yield EVERYTHING, why
    for name in memory.plans:
        stack = name.partition("/")[0]
        file, judging = files.get(stack), based.get(stack)
        if file is None:
            yield name, "has no such stack any more"
        elif _is_touched(merge, merge.result, file, changed) or (
            # By what stands there, the plan was judged: the request may have moved it.
            judging and _is_touched(merge, merge.base, judging, changed)
        ):
            yield name, "moved on in what it is made of"


def _newly_touched(
    merge: Merge,
    unplanned: Mapping[str, StackFile],
    *,
    based: Mapping[str, StackFile],
    before: Revision,
    changed: frozenset[str],
) -> Iterator[str]:
    """Yield what the base did by which the request may touch a stack that was not planned for it.

    One that the base has neither now nor before is the request's own, and declared nothing when it was planned.
    """
    known_before: dict[str, StackFile] = {}
    with suppress(InvalidStack):  # then what stands there may be new
        known_before = _files(merge, before)
    own = merge.repository.changed_between(merge.base, merge.result)
    known = Known()
    for name, file in sorted(unplanned.items()):
        if name in based and name not in known_before:
            yield f"has the stack {name} by now"
        elif _touched_since(merge, file, own, since=changed, known=known):
            yield f"moved on in {name}, which this may touch by now"


def _touched_since(
    merge: Merge,
    file: StackFile,
    own: frozenset[str],
    *,
    since: frozenset[str],
    known: Known,
) -> bool:
    tree = merge.repository.export(merge.result)
    try:
        return any(
            may_be_touched_since(tree, stack, own, since=since, known=known)
            for stack, _ in read_environments(tree, file, merge.project)
        )
    except InvalidStack:
        return True


def _files(merge: Merge, revision: Revision) -> dict[str, StackFile]:
    tree = merge.repository.export(revision)
    return {file.name: file for file in find_stacks(tree, merge.project)}


def _is_touched(merge: Merge, side: Revision, file: StackFile, changed: frozenset[str]) -> bool:
    tree = merge.repository.export(side)
    try:
        return any(
            may_be_touched(tree, stack, changed)
            for stack, _ in read_environments(tree, file, merge.project)
        )
    except InvalidStack:
        return True


def ledger_moved(merge: Merge, made: StackPreview) -> bool:
    """Whether a ledger ends in another entry than the one that a plan was made after, of whatever kind."""
    store = ledger_of(merge, made.name)
    if store is None:
        return False
    newest = next(store.history(1), None)
    return (newest.id if newest else "") != made.ledger


def _stale_by_ledger(merge: Merge, name: str, since: str) -> str:
    store = ledger_of(merge, name)
    if store is None:
        return ""
    hold = store.sight().hold
    if hold is not None:
        return f"somebody changes it right now ({hold.holder.command})"
    return moved_on(store.history(MOST_IMMATERIAL + 1), since)

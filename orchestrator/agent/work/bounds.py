"""What the stacks of a repository may use, by the agent's own word: nobody who writes there can widen it.

Whatever Git says of it is checked before anything is planned, and what only a plan tells before anything is done.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from orchestrator.agent.configuration.model import Allowed
from orchestrator.agent.decisions.uses import matches, refused_places, refused_uses
from orchestrator.engine.planning.plan import Planned
from orchestrator.engine.planning.wanted import read_wanted
from orchestrator.engine.session import Session
from orchestrator.errors import PlanRefused
from orchestrator.plans.objects import ObjectRef, Owner
from orchestrator.stack.reference import OPENING


def check_stack(session: Session, allowed: Allowed) -> None:
    """Refuse a stack that uses what its repository may not, as far as Git says it; raises PlanRefused."""
    refused = [
        *refused_uses(session.stack, allowed, partial(_real, session)),
        *_called(session, allowed.sources),
        *_written(session, allowed.namespaces),
    ]
    _refuse(f"{session.owner} at {session.revision}", refused)


def check_ledger(session: Session, allowed: Allowed) -> None:
    """Refuse to look for a ledger where the repository may not have one; raises PlanRefused."""
    keeper = session.keeper or session.stack
    _refuse(
        str(session.owner),
        [*refused_places(session.stack, keeper, allowed, partial(_real, session))],
    )


def check_planned(planned: Planned, allowed: Allowed) -> None:
    """Refuse a plan that reaches into a namespace that is not the repository's; raises PlanRefused."""
    refs = {step.ref for each in planned.sets.values() if each.result for step in each.result.steps}
    refs |= {owned.ref for owned in planned.ledger.inventory}
    check_objects(refs, allowed, owner=planned.session.owner)


def check_objects(refs: Iterable[ObjectRef], allowed: Allowed, *, owner: Owner) -> None:
    """Refuse objects in namespaces that are not the repository's; raises PlanRefused."""
    patterns = allowed.namespaces
    if patterns is None:
        return
    outside = sorted(ref for ref in refs if not matches(_namespace(ref), patterns))
    _refuse(str(owner), [f"{ref} is not in one of its namespaces" for ref in outside])


def _written(session: Session, patterns: Sequence[str] | None) -> Iterator[str]:
    """Yield what manifests say outright of namespaces; what they take from elsewhere the plan tells."""
    if patterns is None:
        return
    memory = session.repository.folder / "manifests"
    wanted = read_wanted(session.tree, session.stack, memory=memory)
    for unit, documents in wanted.documents.items():
        usual = wanted.manifests[unit].namespace
        for document in documents:
            metadata = document.value.get("metadata")
            namespace = (metadata.get("namespace") if isinstance(metadata, dict) else None) or usual
            told = isinstance(namespace, str) and OPENING not in namespace
            if told and not matches(str(namespace), patterns):
                yield f"an object of {unit} is in {namespace}, which is not one of its namespaces"


def _namespace(ref: ObjectRef) -> str:
    """Return the namespace that an object counts to; a Namespace counts to itself."""
    return ref.name if ref.kind == "Namespace" and not ref.group else ref.namespace


def _called(session: Session, patterns: Sequence[str] | None) -> Iterator[str]:
    """Yield what modules of the repository call elsewhere; one of these could bring in anything."""
    local = [module for module in session.stack.modules if module.local]
    if patterns is None or not local:
        return
    from orchestrator.engine.planning.requests import module_request
    from orchestrator.infrastructure.allowed import check_calls

    for module in local:
        request = module_request(session.tree, session.stack, module)
        for mistake in check_calls(request, lambda source: matches(source, patterns)):
            yield f"{module.id}: {mistake.message}"


def _real(session: Session, path: str) -> str:
    return os.path.realpath(session.repository.root / Path(path).expanduser())


def _refuse(who: str, refused: Sequence[str]) -> None:
    if refused:
        raise PlanRefused(
            f"{who} uses what its repository may not: {refused[0]}",
            hint="the agent's own file says what it may, at `allow`",
            detail="\n".join(refused),
        )

"""Looking at a revision of a repository: fetch it, and list the stacks of it that are the agent's business."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from orchestrator.agent.configuration.model import Repository
from orchestrator.agent.decisions.naming import undeclared
from orchestrator.agent.surveys import Survey
from orchestrator.agent.watching import signers_of
from orchestrator.agent.work.order import Order
from orchestrator.engine.session import Surroundings
from orchestrator.engine.surveying import declared_at
from orchestrator.engine.vanished import left_at
from orchestrator.plans.declared import Declared
from orchestrator.repository.mirror import Mirror
from orchestrator.repository.signers import fingerprint
from orchestrator.stack.load import StackFile

_PATIENCE_SECONDS = 300.0


def survey(order: Order, around: Surroundings) -> Survey:
    """Fetch the branch and list what is declared where it stands now; raises RepositoryError, InvalidStack."""
    watched, mirror = order.repository, Mirror(order.clone)
    revision = mirror.fetch(watched.branch, patience=_PATIENCE_SECONDS, stop=around.stop)
    signers, signer, asked = signers_of(watched), "", ""
    if signers is not None:  # before anything of the revision is read
        asked = fingerprint(signers)  # a list that changes meanwhile is asked anew
        signer = mirror.accept(watched.branch, revision, signers, around.settings)
    names: set[str] = set()

    def wanted(file: StackFile) -> bool:
        return watched.keeps(file.name, file.file)

    def seen(file: StackFile) -> bool:
        if watched.below(file.file):
            names.add(file.name)
        return wanted(file)

    declared = _doubted(watched, tuple(declared_at(mirror.repository, revision, seen)))
    left = (
        Declared(stack=each.stack, environment=each.environment)
        for each in left_at(around, mirror.repository, revision, wanted)
    )
    found = tuple(each for each in declared if _kept(watched, each))
    return Survey(
        revision=revision.commit,
        subject=around.secrets.redact(revision.subject),
        signer=signer,
        signers=asked,
        left=tuple(each for each in left if _kept(watched, each)),
        declared=tuple(_redacted(each, around.secrets.redact) for each in found),
        undeclared=undeclared(watched, declared, names),
    )


def _doubted(watched: Repository, declared: Sequence[Declared]) -> tuple[Declared, ...]:
    """Return what is declared; a file with mistakes that seems to have no environment that is kept cannot be read.

    It may have one, such as where `environments` is a list.
    """
    seen = {each.stack for each in declared if _kept(watched, each)}
    return tuple(
        replace(each, environment="", trouble=each.mistakes)
        if each.mistakes and each.stack not in seen
        else each
        for each in declared
    )


def _redacted(declared: Declared, redact: Callable[[str], str]) -> Declared:
    return replace(declared, mistakes=redact(declared.mistakes), trouble=redact(declared.trouble))


def _kept(watched: Repository, declared: Declared) -> bool:
    settings = watched.settings_of(declared.stack)
    if settings is None:
        return False
    names = settings.environments
    return names is None or not declared.environment or declared.environment in names

"""A child of the agent at work: it does one task, watched by itself, and says what came of it."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from orchestrator import log
from orchestrator.agent import surveys, verdicts
from orchestrator.agent.decisions.agenda import Task
from orchestrator.agent.work.order import SECOND_GRACE, Order
from orchestrator.agent.work.patience import Patience
from orchestrator.agent.work.patrolling import patrol
from orchestrator.agent.work.reconciling import reconcile, refused
from orchestrator.agent.work.sessions import OwnGate, impersonated
from orchestrator.agent.work.surveying import survey
from orchestrator.engine.session import Surroundings
from orchestrator.errors import OrchestratorError, unexpected
from orchestrator.repository.leftovers import remove_leftovers

_LOOK_SECONDS = 0.25

_PATROL_SECONDS = 10.0
"""How long a patrol looks at one stack; one that takes longer is looked at by itself, for as long as a run may take."""

_PATROL_GRACE_SECONDS = 2.0


def work(order: Order, around: Surroundings) -> str:
    """Do what was ordered and return the document that says what came of it."""
    _offer_to_the_kernel()
    gate = OwnGate(repository=order.repository, clone=order.clone)
    around = replace(around, impersonated=impersonated(order), gate=gate)
    with _watching(order, around), ExitStack() as resources:
        try:
            remove_leftovers(order.clone / ".git")
            if order.task is Task.PATROL:
                return _patrolled(order, around)
            if order.task is Task.SURVEY:
                return surveys.encode(survey(order, around))
            verdict = reconcile(order, around, resources)
        except Exception as error:  # noqa: BLE001 - whatever befell it is what the agent has to know
            if not isinstance(error, OrchestratorError):
                log.logger().exception("child crashed")
            verdict = refused(unexpected(error), order.revision)
        return verdicts.encode(verdict.redacted(around.secrets.redact))


def _patrolled(order: Order, around: Surroundings) -> str:
    patience = Patience(seconds=_PATROL_SECONDS, grace=_PATROL_GRACE_SECONDS)
    document = surveys.encode_astray(patrol(order, around, patience))
    if patience.passed_over:  # what hangs would keep this process from ending
        sys.stdout.write(document)
        sys.stdout.flush()
        os._exit(0)
    return document


def _offer_to_the_kernel() -> None:
    """Have the kernel take this process, and not the agent, when memory runs out (proc(5), oom_score_adj)."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


@contextmanager
def _watching(order: Order, around: Surroundings) -> Iterator[None]:
    """Look, while the block lasts, whether a newer revision waits, and whether the agent is still there."""
    over = threading.Event()
    watcher = threading.Thread(
        target=_watch, args=(order, around, os.getppid(), over), name="agent", daemon=True
    )
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _watch(order: Order, around: Surroundings, parent: int, over: threading.Event) -> None:
    told = False
    while not over.wait(_LOOK_SECONDS):
        if os.getppid() != parent:
            around.stop.request()
            if not over.wait(order.configuration.limits.grace + SECOND_GRACE):
                os._exit(1)  # it hangs, and nobody else would end it any more
            return
        if not told and order.newer is not None and order.newer.exists():
            with suppress(OSError):
                around.overtaken.tell(order.newer.read_text(encoding="utf-8").strip())
                told = True

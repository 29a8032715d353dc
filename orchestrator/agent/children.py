"""Children of the agent: each does one task on a command line of its own, within a time and some memory."""

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator import log
from orchestrator.agent import surveys, verdicts
from orchestrator.agent.decisions.agenda import Key, Task
from orchestrator.agent.surveys import Survey
from orchestrator.agent.verdicts import End, Verdict
from orchestrator.agent.work.order import SECOND_GRACE, Order, keep_as_read
from orchestrator.errors import OrchestratorError, unexpected
from orchestrator.processes import Command, Completed, Stop, run
from orchestrator.processes import Limits as ProcessLimits
from orchestrator.processes.forking import Forks, NotForked, can_fork
from orchestrator.settings import Settings

_PROGRAM = (sys.executable, "-P", "-m", "orchestrator")
_SERVER = (sys.executable, "-P", "-m", "orchestrator.cli.forked")
_PLAIN = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"})
_ABOUT_PYTHON = "PYTHON"
_PEOPLE = ("GIT_AUTHOR_", "GIT_COMMITTER_")
_OUTPUT_BYTES = 16 * 1024**2
_BROKEN_OFF = frozenset({End.INTERRUPTED, End.FAILED})
_LIMITS = "`limits` in the agent's file say what one run may take"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a child: the document that it wrote of its task."""

    key: Key
    task: Task
    revision: str
    verdict: Verdict | None = None
    survey: Survey | None = None
    astray: frozenset[Key] = frozenset()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Children:
    """How children come about: forked from a process that has all of it loaded, else started."""

    settings: Settings
    forks: Forks | None

    def run(self, order: Order, stop: Stop) -> Completed:
        """Run a child to its end; raises ProgramMissing, StorageError."""
        keep_as_read(order.configuration)
        command, limits = _command(order, self.settings), _limits(order)
        try:
            if self.forks is not None:
                return self.forks.run(command, limits=limits, stop=stop)
        except NotForked as error:
            log.trouble("not forked", why=str(error.__cause__ or error))
        started = replace(command, argv=(*_PROGRAM, *command.argv))
        return run(started, limits=limits, stop=stop)


@contextmanager
def children_of(settings: Settings, *, soon: bool) -> Iterator[Children]:
    """Have children while the block lasts; ``soon`` there will be one, and it is prepared for that."""
    if not can_fork():
        yield Children(settings=settings, forks=None)
        return
    forks = Forks(server_of(settings))
    if soon:
        forks.start()
    try:
        yield Children(settings=settings, forks=forks)
    finally:
        forks.close()


def server_of(settings: Settings) -> Command:
    """Return what starts the process that children are forked from; it gets no variable that may hold a secret."""
    kept = {name: value for name, value in settings.environment.items() if _is_plain(name)}
    return Command(argv=_SERVER, directory=Path("/"), environment=kept)


def _is_plain(name: str) -> bool:
    """Whether a variable is about how Python runs, and can hold no secret."""
    return name in _PLAIN or name.startswith(_ABOUT_PYTHON)


def carry_out(order: Order, children: Children, stop: Stop) -> Result:
    """Have a child do what is ordered, and return what came of it, whatever befell it."""
    try:
        return _carried_out(order, children.run(order, stop))
    except Exception as error:  # noqa: BLE001 - a thread that ends without a word would leave its stack at work for good
        if not isinstance(error, OrchestratorError):
            log.logger().error("child not run", exc_info=True)
        return _result(order, unexpected(error).message, End.FAILED)


def _carried_out(order: Order, done: Completed) -> Result:
    if order.task is Task.PATROL:
        found_astray = surveys.decode_astray(done.stdout)
        # Of those that nobody could look at, each is looked at by itself.
        astray = frozenset(order.looks) if found_astray is None else found_astray
        return Result(key=order.key, task=order.task, revision=order.revision, astray=astray)
    if order.task is Task.SURVEY and (found := surveys.decode(done.stdout)):
        return Result(key=order.key, task=order.task, revision=order.revision, survey=found)
    verdict = verdicts.decode(done.stdout)
    if verdict is None:
        end = End.INTERRUPTED if done.interrupted else End.FAILED
        return _result(order, _befell(order, done), end)
    verdict = _within_limits(order, done, verdict)
    return Result(
        key=order.key,
        task=order.task,
        revision=order.revision,
        verdict=verdict,
        error=verdict.message,
    )


def _within_limits(order: Order, done: Completed, verdict: Verdict) -> Verdict:
    """Return what a child said of itself, which does not know why it was told to stop."""
    if not (done.exceeded or done.timed_out) or verdict.end not in _BROKEN_OFF:
        return verdict
    said = "\n".join(each for each in (verdict.message, verdict.detail) if each)
    return replace(verdict, end=End.FAILED, message=_befell(order, done), hint=_LIMITS, detail=said)


def _result(order: Order, error: str, end: End) -> Result:
    verdict = Verdict(end=end, message=error, revision=order.revision)
    return Result(
        key=order.key,
        task=order.task,
        revision=order.revision,
        verdict=verdict,
        astray=frozenset(order.looks),
        error=error,
    )


def _command(order: Order, settings: Settings) -> Command:
    return Command(
        argv=("-C", str(order.clone), *order.arguments),
        directory=order.clone,
        environment=_environment(settings),
    )


def _environment(settings: Settings) -> Mapping[str, str]:
    """Return our environment without whom Git takes us for: records are written by the agent, whoever started it."""
    inherited = settings.environment
    return {name: inherited[name] for name in inherited if not name.startswith(_PEOPLE)}


def _limits(order: Order) -> ProcessLimits:
    limits = order.configuration.limits
    return ProcessLimits(
        timeout=limits.time,
        grace=limits.grace,
        second_grace=SECOND_GRACE,
        output=_OUTPUT_BYTES,
        memory=limits.memory,
    )


def _befell(order: Order, done: Completed) -> str:
    limits = order.configuration.limits
    if done.exceeded:
        return (
            f"it took more than the {limits.memory // 1024**2} MiB of memory that one run may take"
        )
    if done.timed_out:
        return f"it took longer than the {limits.time:g} seconds that one run may take"
    if done.interrupted:
        return "it was stopped before it had ended"
    said = [line for line in done.stderr.splitlines() if line.strip()]
    if done.code == -signal.SIGKILL:
        return "it was killed, as a system does that runs out of memory"
    if done.code < 0:
        return f"it was ended by signal {-done.code}"
    return said[-1] if said else f"it ended with {done.code} and said nothing"

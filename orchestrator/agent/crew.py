"""The threads that wait for what takes long, children and remotes; whoever has them asks them to stop when he fails."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from orchestrator import log
from orchestrator.errors import OrchestratorError, unexpected
from orchestrator.processes import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Who waits for children, and who for what remotes answer."""

    workers: ThreadPoolExecutor
    askers: ThreadPoolExecutor


@contextmanager
def crew(stop: Stop, *, workers: int, askers: int) -> Iterator[Crew]:
    """Have so many threads while the block lasts, and wait for what they are at.

    A block that fails would wait as long as its children like, deaf to everybody, while other replicas take it for
    alive: so all that looks at ``stop`` is asked to end, it is logged why, and the error goes on its way.
    """
    with ThreadPoolExecutor(workers) as working, ThreadPoolExecutor(askers) as asking:
        try:
            yield Crew(workers=working, askers=asking)
        except BaseException as error:
            stop.request()
            _log(error)
            raise


def _log(error: BaseException) -> None:
    why = unexpected(error).message if isinstance(error, Exception) else type(error).__name__
    log.logger().error("agent fails", why=why, exc_info=not isinstance(error, OrchestratorError))

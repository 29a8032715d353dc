"""The listener that sets statuses of commits; each forge has a courier of its own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from orchestrator import clock
from orchestrator.agent.configuration.model import Configuration, Repository, Statuses
from orchestrator.agent.decisions.agenda import Key
from orchestrator.agent.events import Event, as_before
from orchestrator.agent.notifications.courier import Courier, Patience, Undelivered
from orchestrator.agent.statuses.standing import Shown, Standing, standing
from orchestrator.agent.verdicts import Verdict
from orchestrator.errors import ForgeError, ForgeUnanswered
from orchestrator.forges.place import Place
from orchestrator.forges.troubles import Busy
from orchestrator.processes import Stop

_FAREWELL_SECONDS: Final = 5.0


class Setter:
    """Who sets the statuses of the commits of an agent's repositories."""

    def __init__(
        self, repositories: Mapping[str, Repository], *, patience: Patience | None = None
    ) -> None:
        """Begin, for those repositories that have statuses."""
        self._shown, self._stop = Shown(), Stop()
        self._couriers = {
            name: Courier(
                f"statuses {name}", _carrier(each.statuses, self._stop), patience or Patience()
            )
            for name, each in repositories.items()
            if each.statuses is not None
        }

    def listen(self, event: Event) -> None:
        """Have the status set that an event means; nobody is waited for."""
        self._shown, found = standing(self._shown, event)
        if found is not None and found.repository in self._couriers:
            self._couriers[found.repository].put(found)

    def recall(self, verdicts: Mapping[Key, Verdict]) -> None:
        """Take what is known from before the process began for set."""
        for key, verdict in verdicts.items():
            if key.stack:
                self._shown, _ = standing(self._shown, as_before(key, verdict))

    def deliveries(self) -> Mapping[tuple[str, str], int]:
        """Return how many were set, failed or were dropped, by repository and that word."""
        return {
            key: count for each in self._couriers.values() for key, count in each.counts.items()
        }

    def close(self) -> None:
        """Set what waits, for some seconds; a forge that wants to be left alone is."""
        self._stop.request()
        deadline = clock.seconds() + _FAREWELL_SECONDS
        for each in self._couriers.values():
            each.close(max(deadline - clock.seconds(), 0.1))


@contextmanager
def setting(configuration: Configuration) -> Iterator[Setter]:
    """Set statuses while the block lasts, and what waits at its end."""
    setter = Setter(configuration.repositories)
    try:
        yield setter
    finally:
        setter.close()


def _carrier(statuses: Statuses, stop: Stop) -> Callable[[Standing], None]:
    def carry(what: Standing) -> None:
        from orchestrator.forges.clients import open_forge
        from orchestrator.forges.patience import Patience as ForgePatience

        forge = open_forge(_place(statuses), ForgePatience(stop=stop, now=clock.now))
        said = " ".join(what.status.description.split())
        if len(said) > forge.longest_description:
            said = f"{said[: forge.longest_description - 1]}…"
        try:
            forge.set_status(what.commit, replace(what.status, description=said))
        except Busy as busy:
            raise Undelivered("it wants to be left alone", again=busy.seconds) from None
        except ForgeUnanswered as error:
            raise Undelivered(error.message) from None
        except ForgeError as error:
            raise Undelivered(error.message, again=None) from None

    return carry


def _place(statuses: Statuses) -> Place:
    """Return where commits are, with the token of now; raises Undelivered."""
    try:
        token = statuses.token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if not token:
        raise Undelivered(f"{statuses.token_file.name} cannot be read, or is empty")
    return Place(
        kind=statuses.kind,
        api=statuses.api,
        repository=statuses.repository,
        number=0,
        token=token,
    )

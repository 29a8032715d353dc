"""A comment brought to a forge on loopback, for tests of what becomes of it."""

from collections.abc import Callable
from typing import Any

from orchestrator import clock
from orchestrator.forges.clients import open_forge
from orchestrator.forges.commenting import Published, Text, publish
from orchestrator.forges.forge import Account, Forge
from orchestrator.forges.patience import Patience
from orchestrator.forges.place import Place
from orchestrator.processes import Stop
from tests.forges.served import NUMBER, REPOSITORY, TOKEN, Served

MARKER = '<!-- orchestrator-comment "default" -->'
TEXT = f"{MARKER}\nMerging changes nothing.\n"
COMMENTS = "comments"


def patient(stop: Stop) -> Patience:
    """Return patience that hardly waits where nobody says how long."""
    return Patience(stop=stop, now=clock.now, backoff_factor=0.01, pause=0.01)


def client_of(server: Served, *, stop: Stop | None = None, account: Account | None = None) -> Forge:
    """Return a client of a forge, at its one request."""
    place = Place(
        kind=server.kind, api=server.api, repository=REPOSITORY, number=NUMBER, token=TOKEN
    )
    return open_forge(place, patient(stop or Stop()), account)


def publish_on(server: Served, text: str = TEXT, head: str = "a" * 40) -> Published:
    """Bring a text to the request as its comment."""
    return publish(client_of(server), text_of(lambda _: text, head))


def text_of(
    make: Callable[[str], str], head: str = "a" * 40, base: str = "main", **given: Any
) -> Text:
    """Return a text that is made for a commit."""
    return Text(marker=MARKER, head=head, base=base, make=make, **given)

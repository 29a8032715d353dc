"""Which remote a session's revisions come from."""

from orchestrator.engine.session import Session
from orchestrator.errors import RepositoryError


def remote_of(session: Session) -> str | None:
    """Return the remote that the repository is shared through: the ledger's own, else what counts as its origin.

    None where there is none, or it is not plain which one is meant.
    """
    for name in dict.fromkeys((session.stack.ledger.remote or "", "")):
        try:
            return session.repository.remote(name)
        except RepositoryError:
            continue
    return None

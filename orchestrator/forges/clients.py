"""The forges by their kind, each imported when it is needed."""

from typing import TYPE_CHECKING

from orchestrator.forges.forge import Account, Forge
from orchestrator.forges.place import Kind, Place

if TYPE_CHECKING:
    from orchestrator.forges.patience import Patience


def open_forge(place: Place, patience: "Patience", account: Account | None = None) -> Forge:
    """Return the forge that a place is at; nothing is asked yet.

    ``account`` is that of the token, shared by those who ask with it.
    """
    account = account or Account()
    match place.kind:
        case Kind.GITHUB:
            from orchestrator.forges.github import GitHub

            return GitHub(place, patience, account)
        case Kind.GITLAB:
            from orchestrator.forges.gitlab import GitLab

            return GitLab(place, patience, account)
        case Kind.GITEA:
            from orchestrator.forges.gitea import Gitea

            return Gitea(place, patience, account)

"""Which remote is meant."""

import difflib
import os

from orchestrator.errors import RepositoryError
from orchestrator.repository.git import Git
from orchestrator.repository.troubles import local_trouble


def choose_remote(git: Git, name: str) -> str | None:
    """Return ``name`` if there is such a remote; for an empty name ``origin``, else the only one, else None.

    Never the current branch's own: a ledger has one place, whatever branch somebody stands on.
    """
    listed = git.asked("remote")
    if listed.code != 0:
        raise local_trouble("remote", listed, git.checkout.root)
    remotes = tuple(os.fsdecode(listed.stdout).split())
    if name:
        return _named(remotes, name)
    if "origin" in remotes:
        return "origin"
    if len(remotes) > 1:
        raise RepositoryError(
            f"the repository has several remotes ({', '.join(remotes)}) and none is called origin",
            hint="say which one the ledger is pushed to: ledger: {remote: NAME}, or {remote: false}",
        )
    return remotes[0] if remotes else None


def _named(remotes: tuple[str, ...], name: str) -> str:
    if name in remotes:
        return name
    near = difflib.get_close_matches(name, remotes, n=1)
    hint = (
        f"did you mean {near[0]}?"
        if near
        else "see git remote; ledger: {remote: false} does without one"
    )
    raise RepositoryError(f"the repository has no remote {name}", hint=hint)

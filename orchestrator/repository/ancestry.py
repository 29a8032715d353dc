"""What descends from what, as far as this clone can tell, and fetching what would tell more."""

from collections.abc import Sequence
from typing import Final

from orchestrator.repository.fetching import fetched
from orchestrator.repository.git import Git, Patience
from orchestrator.repository.objects import identify
from orchestrator.repository.troubles import local_trouble

_NO_ANCESTOR: Final = 1
_NO_ANSWER: Final = 128  # Git's for a commit that is not there, and for whatever else is fatal
_DEEPER: Final = (50, 1000, 2**31 - 1)  # commits beyond what is here; the last stands for all
_FETCH: Final = (
    "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "core.hooksPath=/dev/null",
    "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-prune", "--no-filter", "--refmap=",
    "--recurse-submodules=no",
)  # fmt: skip


def descends(git: Git, commit: str, *, ancestor: str) -> bool | None:
    """Return whether ``ancestor`` is the commit itself or in its history; None where this clone cannot tell.

    That is where it is shallow, and the history ends before it says. Raises RepositoryError when Git fails.
    """
    ended = git.attempt("merge-base", "--is-ancestor", ancestor, commit)
    if ended.code == 0:
        return True
    # A commit that lies between is missing.
    broken = ended.code == _NO_ANCESTOR and "error: " in ended.stderr
    if broken or ended.code not in {_NO_ANCESTOR, _NO_ANSWER}:
        raise local_trouble("merge-base", ended, git.checkout.root)
    there, before = identify(git, (f"{commit}^{{commit}}", f"{ancestor}^{{commit}}"))
    if ended.code == _NO_ANSWER and there and before:
        raise local_trouble("merge-base", ended, git.checkout.root)
    return False if there and _whole(git, commit) else None


def beyond(git: Git, commit: str, others: Sequence[str]) -> bool:
    """Whether any of the other commits that are here is neither the commit nor in its history."""
    named = ("--ignore-missing", "--max-count=1", *others, f"^{commit}", "--")
    return bool(git.run("rev-list", *named).strip())


def descends_for_certain(
    git: Git, commit: str, *, ancestor: str, remote: str | None, patience: Patience
) -> bool | None:
    """Return what ``descends`` does, after fetching as much of the history as it takes; None where that is not had."""
    found = descends(git, commit, ancestor=ancestor)
    for more in _DEEPER:
        if found is not None or remote is None or not git.checkout.shallow:
            break
        if not _deepened(git, remote, commit, f"--deepen={more}", patience=patience):
            break
        found = descends(git, commit, ancestor=ancestor)
    return found


def covers_for_certain(
    git: Git, commit: str, *, base: str, remote: str | None, patience: Patience
) -> bool:
    """Whether all of a commit's history is here that is not in the one of ``base``, after fetching what that takes."""
    found = _covers(git, commit, base)
    for more in _DEEPER:
        if found or remote is None or not git.checkout.shallow:
            break
        if not _deepened(git, remote, commit, f"--deepen={more}", patience=patience):
            break
        found = _covers(git, commit, base)
    return found


def deepen(git: Git, remote: str, commit: str, *, patience: Patience) -> bool:
    """Fetch as much of a commit's history as is worth looking at; return whether that was done."""
    return _deepened(git, remote, commit, f"--deepen={_DEEPER[1]}", patience=patience)


def bring(
    git: Git, remote: str | None, commits: Sequence[str], patience: Patience
) -> tuple[str, ...]:
    """Fetch those commits that a shallow clone lacks, with their files; return those that it lacks all the same."""
    missing = _missing(git, commits)
    if not missing or remote is None or not git.checkout.shallow:
        return missing
    # One that is not here is in no history that is: that it comes without its own cuts nothing off.
    asked = fetched(git, *_FETCH, "--depth=1", "--", remote, *missing, patience=patience)
    if asked.code != 0 and len(missing) > 1:  # one that the remote lacks keeps all of them away
        for each in missing:
            fetched(git, *_FETCH, "--depth=1", "--", remote, each, patience=patience)
    return _missing(git, missing)


def _missing(git: Git, commits: Sequence[str]) -> tuple[str, ...]:
    found = identify(git, [f"{commit}^{{commit}}" for commit in commits])
    return tuple(commit for commit, there in zip(commits, found, strict=True) if not there)


def _deepened(git: Git, remote: str, commit: str, more: str, *, patience: Patience) -> bool:
    """Fetch more of the history of a commit; of one that the remote has not, through what it has of the branch."""
    return any(
        fetched(git, *_FETCH, more, "--", remote, wanted, patience=patience).code == 0
        for wanted in (commit, "HEAD")
    )


def _covers(git: Git, commit: str, base: str) -> bool:
    if _missing(git, [commit, *([base] if base else [])]):
        return False
    return _whole(git, commit, but=[f"^{base}"] if base else [])


def _whole(git: Git, commit: str, but: Sequence[str] = ()) -> bool:
    """Whether all of a commit's history is here, but for what is in that of others."""
    if not git.checkout.shallow:
        return True
    ends = set((git.checkout.common_directory / "shallow").read_text(encoding="ascii").split())
    reached = git.run("rev-list", commit, *but, "--").decode().split()
    return ends.isdisjoint(reached)

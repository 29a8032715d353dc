"""The repository at hand: its revisions, its remote, and private copies of its files."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import islice
from pathlib import Path

from orchestrator.errors import OrchestratorError, RepositoryError, StorageError
from orchestrator.plans.plan import Revision
from orchestrator.processes import Stop
from orchestrator.repository.ancestry import beyond, bring, deepen, descends_for_certain
from orchestrator.repository.commits import Commits
from orchestrator.repository.difference import FOLDER
from orchestrator.repository.git import Checkout, Git, Patience, find_checkout
from orchestrator.repository.merging import Merged, changed_files, merge
from orchestrator.repository.objects import author_of, identify, read_commit, resolve
from orchestrator.repository.plumbing import GitPlumbing
from orchestrator.repository.remotes import choose_remote
from orchestrator.repository.requests import address_of, push_branch, request_address
from orchestrator.repository.snapshot import (
    difference,
    missing_submodules,
    status,
    write_commit,
    write_working_tree,
)
from orchestrator.repository.trees import Trees
from orchestrator.repository.writers import writers_since

_PRIVATE = 0o700
_PATIENCE = 60.0
_NOT_IGNORED = 1  # what `git check-ignore` ends with
_KEY_LETTERS = 20  # of a commit or digest in a directory's name: some programs dislike long paths


def open_repository(directory: Path) -> "Repository":
    """Open the repository that ``directory`` lies in; linked work trees and submodules are repositories too.

    Raises UsageError when there is none, or one without a working tree.
    """
    return Repository(find_checkout(directory))


class Repository:
    """A Git checkout, which is read, and only changed by what writes commits for who asked for one."""

    def __init__(self, checkout: Checkout) -> None:
        """Take the place; nothing is read yet."""
        self.root = checkout.root
        self._checkout = checkout
        self._git = Git(checkout)
        self._trees: Trees | None = None
        self._writers: dict[tuple[str, str, tuple[str, ...]], Mapping[str, str] | None] = {}

    @property
    def folder(self) -> Path:
        """Return our own directory ``.orchestrator``, made on first use: 0700, and ignored by Git.

        It lies in the main working tree, also for a linked one: refs and with them ledger and lock are
        shared by all of them, so what belongs to those has to be, and outlives ``git worktree remove``.
        Raises StorageError when it cannot be made.
        """
        folder = self._main_root() / FOLDER
        with _writing(folder):
            if folder.is_symlink():
                raise StorageError(
                    f"{folder} is a symbolic link",
                    hint="remove it: our files stay in the repository",
                )
            folder.mkdir(mode=_PRIVATE, exist_ok=True)
            if stat.S_IMODE(folder.stat().st_mode) != _PRIVATE:
                folder.chmod(_PRIVATE)
            ignore = folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        return folder

    def revision(self, name: str = "HEAD") -> Revision:
        """Return the commit that a name stands for; raises RepositoryError when there is none."""
        commit = resolve(self._git, name)
        return Revision(commit=commit.id, subject=commit.subject)

    def working_revision(self) -> Revision:
        """Return the commit checked out, with the digest of what the working tree holds beyond it.

        Changed and untracked files count, ignored ones do not. Raises RepositoryError when there is no
        commit yet.
        """
        state = status(self._git)
        commit = read_commit(self._git, state.commit)
        return Revision(
            commit=commit.id, subject=commit.subject, difference=difference(self._git, state.paths)
        )

    def contents(
        self, commits: Sequence[str], paths: Sequence[str]
    ) -> Mapping[str, tuple[str, ...]]:
        """Return what identifies the content of each path at each commit; empty where there is none, or no commit.

        The empty path is the root. What is executable or a link tells apart directories, not single files.
        """
        pairs = [(commit, path) for commit in commits for path in paths]
        found = iter(identify(self._git, [f"{commit}:{path}" for commit, path in pairs]))
        return {commit: tuple(islice(found, len(paths))) for commit in commits}

    def descends(
        self, commit: str, *, ancestor: str, remote: str | None = None, stop: Stop | None = None
    ) -> bool | None:
        """Return whether ``ancestor`` is the commit itself or in its history; None where that cannot be told.

        A shallow clone fetches as much of the history from the ``remote`` as it takes. Raises RepositoryError.
        """
        patience = Patience(seconds=_PATIENCE, stop=stop or Stop())
        return descends_for_certain(
            self._git, commit, ancestor=ancestor, remote=remote, patience=patience
        )

    def beyond(self, commit: str, others: Sequence[str]) -> bool:
        """Whether any of the others that are here is neither the commit nor in its history; raises RepositoryError."""
        return beyond(self._git, commit, others)

    def bring(
        self, commits: Sequence[str], *, remote: str | None, stop: Stop | None = None
    ) -> tuple[str, ...]:
        """Fetch commits that a shallow clone lacks, and return those that are not here all the same."""
        return bring(self._git, remote, commits, Patience(seconds=_PATIENCE, stop=stop or Stop()))

    def deepen(self, commit: str, *, remote: str | None, stop: Stop | None = None) -> bool:
        """Fetch more of a commit's history into a shallow clone; return whether there is any more of it here now."""
        patience = Patience(seconds=_PATIENCE, stop=stop or Stop())
        return remote is not None and deepen(self._git, remote, commit, patience=patience)

    def commits_of(self, commit: str, paths: Sequence[str], *, limit: int) -> tuple[str, ...]:
        """Return up to ``limit`` commits of the history of one, which changed one of the paths; the newest first.

        Raises RepositoryError.
        """
        found = self._git.run(
            "rev-list", f"--max-count={limit}", "--end-of-options", commit, "--", *paths
        )
        return tuple(found.decode().split())

    @property
    def shallow(self) -> bool:
        """Whether this is a clone without the whole history."""
        return self._checkout.shallow

    def changed_paths(self) -> tuple[str, ...]:
        """Return in which paths the working tree differs from its commit, sorted."""
        return status(self._git).paths

    def identity(self) -> str:
        """Return who works here as Git knows it, ``Name <mail>``, or an empty text when it does not."""
        ended = self._git.asked("var", "GIT_AUTHOR_IDENT")
        return os.fsdecode(ended.stdout).rpartition(">")[0] + ">" if ended.code == 0 else ""

    def author(self, revision: Revision) -> str:
        """Return who wrote a revision's commit, ``Name <mail>``, of a merge what it brings; empty where unknown."""
        return author_of(self._git, revision.commit)

    def writers(
        self,
        commit: str,
        paths: Sequence[str],
        *,
        base: str,
        remote: str | None,
        stop: Stop | None = None,
    ) -> Mapping[str, str] | None:
        """Return who wrote what changed in the paths since ``base``, ``Name <mail>``, each with their newest commit.

        Without a base all of the history counts. None where a shallow clone cannot tell, after it fetched from the
        ``remote`` what that takes: once, however often it is asked. Raises RepositoryError.
        """
        asked = (commit, base, tuple(paths))
        if asked not in self._writers:
            patience = Patience(seconds=_PATIENCE, stop=stop or Stop())
            self._writers[asked] = writers_since(
                self._git, commit, base=base, paths=paths, remote=remote, patience=patience
            )
        return self._writers[asked]

    def remote(self, name: str = "") -> str | None:
        """Return the name of the remote that is meant: ``name``, else ``origin``, else the only one.

        None when the repository has no remote; raises RepositoryError when the name is not one of them, or
        it is not plain which one is meant.
        """
        return choose_remote(self._git, name)

    def notices(self, file: Path) -> bool:
        """Return whether Git counts a file, also one still to be written, among those of the working tree."""
        place = file.parent.resolve() / file.name
        if not place.is_relative_to(self.root):
            return False
        return self._git.attempt("check-ignore", "--quiet", "--", str(place)).code == _NOT_IGNORED

    def export(self, revision: Revision) -> Path:
        """Return a private, complete copy of a revision's files; of the working tree's when it is dirty.

        A copy is made once, kept as long as this repository object lives, and shared with other runs: it is
        to be read only. Raises RepositoryError when the revision is gone or the working tree changed since
        the revision was taken, StorageError when the copy cannot be written.
        """
        key = "-".join(
            part[:_KEY_LETTERS] for part in (revision.commit, revision.difference) if part
        )
        with _writing(self.root / FOLDER):
            self._trees = self._trees or Trees(self.folder / "trees")
            return self._trees.take(
                key, lambda target, scratch: self._write(revision, target, scratch)
            )

    def missing_submodules(self, tree: Path) -> tuple[str, ...]:
        """Return the submodules whose files an exported tree lacks, since they are not checked out; sorted."""
        return missing_submodules(self._git, tree)

    def kept_running(self) -> AbstractContextManager[None]:
        """Have one program answer all questions about objects while the block lasts, and ask for settings once."""
        return self._git.kept_running()

    def plumbing(self, *, patience: float = 60.0, stop: Stop | None = None) -> GitPlumbing:
        """Return objects, refs and remotes of this repository, for the ledger.

        ``patience`` is how many seconds a remote may take to answer; a request to ``stop`` makes it short.
        """
        allowed = Patience(seconds=patience, stop=stop or Stop())
        return GitPlumbing(self._git, patience=allowed)

    def commits(self) -> Commits:
        """Return what writes new commits, for who asked for one."""
        return Commits(self._git, scratch=self.folder)

    def merged(self, base: Revision, head: Revision) -> Merged:
        """Return what merging ``head`` into ``base`` would make; no branch moves. Raises RepositoryError."""
        return merge(self._git, base.commit, head.commit)

    def changed_between(self, before: Revision, after: Revision) -> frozenset[str]:
        """Return the files in which two commits differ; of a submodule, its directory."""
        return changed_files(self._git, before.commit, after.commit)

    def push(self, remote: str, commit: str, *, branch: str, base: str, stop: Stop) -> str:
        """Push a commit to a branch of a remote and return where a request to ``base`` is opened, if that is known.

        Raises RepositoryError when the remote refuses or does not answer.
        """
        said = push_branch(
            self._git, remote, commit, branch, patience=Patience(seconds=_PATIENCE, stop=stop)
        )
        return request_address(said, address_of(self._git, remote), base=base, branch=branch)

    def _write(self, revision: Revision, target: Path, scratch: Path) -> None:
        if not revision.dirty:
            self._bring(revision.commit)
            write_commit(self._git, resolve(self._git, revision.commit).id, target, scratch=scratch)
            return
        state = status(self._git)
        if state.commit == revision.commit:
            write_working_tree(self._git, state, target, scratch=scratch)
            if difference(self._git, state.paths, copy=target) == revision.difference:
                return
        raise RepositoryError(
            "the working tree changed while it was read", hint="run again when it is at rest"
        )

    def _bring(self, commit: str) -> None:
        """Fetch a commit that a shallow clone lacks; whoever needs it says that it is not there."""
        if self.shallow:
            with suppress(RepositoryError):  # it is not plain from where
                self.bring((commit,), remote=self.remote())

    def _main_root(self) -> Path:
        common = self._checkout.common_directory
        linked = common != self._checkout.git_directory
        return common.parent if linked and common.name == ".git" else self.root


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    try:
        yield
    except OrchestratorError:
        raise
    except OSError as error:
        in_the_way = isinstance(error, FileExistsError | NotADirectoryError)
        raise StorageError(
            f"cannot write below {place}: {str(error.strerror or error).lower()}",
            hint="it has to be a directory: remove or rename what is in the way"
            if in_the_way
            else "free some space, or see who may write there; nothing was left behind",
        ) from error

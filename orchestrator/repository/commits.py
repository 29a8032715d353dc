"""New commits that hold parts of older ones: written beside the user's index and checkout, then brought to a branch.

Nothing is rewritten and nothing is forced: a branch is made anew, or moves forward to a commit that follows it.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator.errors import RepositoryError, UsageError
from orchestrator.repository.git import Git
from orchestrator.repository.objects import resolve
from orchestrator.repository.troubles import local_trouble

_QUIET: Final = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
)
_FILE: Final = "100644"
_GITLINK: Final = "160000"
_NO_OBJECT: Final = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A tree, and the files in which it differs from the commit that it was made from, sorted."""

    tree: str
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Held:
    """A file of a tree: its mode and its object."""

    mode: str
    id: str


class Commits:
    """Writes commits into one repository."""

    def __init__(self, git: Git, *, scratch: Path) -> None:
        """Take the edge to Git, and a directory of ours for what it needs meanwhile."""
        self._git = git
        self._scratch = scratch

    def compose(
        self, base: str, source: str, paths: Sequence[str], texts: Mapping[str, bytes]
    ) -> Composed:
        """Return the tree of a commit with some paths as another commit has them, and some files as given.

        A path that the other one has not is not in the tree either. Raises RepositoryError.
        """
        before = self._files(base, (*paths, *texts))
        after = self._files(source, paths) | {
            path: _Held(before[path].mode if path in before else _FILE, self._blob(text))
            for path, text in texts.items()
        }
        changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
        lines = [*_removals(changed, before, after), *_additions(changed, after)]
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            private = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
            self._git.run("read-tree", base, variables=private)
            self._git.run(
                "update-index", "-z", "--index-info",
                stdin=os.fsencode("".join(lines)), variables=private,
            )  # fmt: skip
            tree = self._git.run("write-tree", variables=private).decode().strip()
        return Composed(tree=tree, changed=tuple(changed))

    def read(self, commit: str, path: str) -> bytes | None:
        """Return what a file holds at a commit, None when it is not there."""
        ended = self._git.attempt("cat-file", "blob", f"{commit}:{path}")
        return ended.stdout if ended.code == 0 else None

    def commit(self, tree: str, *, parent: str, message: str) -> str:
        """Write a commit by whoever works here, signed when their configuration wants that; no branch moves.

        Raises RepositoryError, also when Git does not know who that is.
        """
        asked = self._git.attempt("config", "--type=bool", "commit.gpgSign")
        signed = ("-S",) if asked.stdout.strip() == b"true" else ()
        ended = self._git.attempt(
            "commit-tree", tree, "-p", parent, *signed, stdin=message.encode()
        )
        if ended.code != 0 and "tell me who you are" in ended.stderr:
            raise RepositoryError(
                "Git does not know who makes the commit",
                hint="git config user.name NAME; git config user.email MAIL",
            )
        if ended.code != 0:
            raise local_trouble("commit-tree", ended, self._git.checkout.root)
        return ended.stdout.decode().strip()

    def branch(self) -> str:
        """Return the branch that is checked out, an empty text when none is."""
        ended = self._git.attempt("symbolic-ref", "--quiet", "--short", "HEAD")
        return os.fsdecode(ended.stdout).strip()

    def followed(self, branch: str) -> tuple[str, str] | None:
        """Return the remote and the branch there that a branch follows, None when it follows none."""
        form = "--format=%(upstream:remotename)%00%(upstream:remoteref)"
        output = self._git.run("for-each-ref", form, f"refs/heads/{branch}")
        remote, _, ref = os.fsdecode(output).strip().partition("\0")
        there = ref.removeprefix("refs/heads/")
        return (remote, there) if there and remote not in {"", "."} else None

    def check_branch(self, name: str) -> None:
        """Refuse a name that no new branch can have; raises UsageError."""
        if self._git.attempt("check-ref-format", "--branch", name).code != 0:
            raise UsageError(f"{name!r} is no name for a branch")
        if self._git.attempt("show-ref", "--quiet", "--verify", f"refs/heads/{name}").code == 0:
            hint = "name another one with --branch NAME, or delete that one: nothing is forced"
            raise UsageError(f"there is a branch {name} already", hint=hint)

    def branch_off(self, name: str, commit: str) -> None:
        """Make a branch that stands at a commit; raises RepositoryError when there is one by now."""
        self._git.run("update-ref", f"refs/heads/{name}", commit, _NO_OBJECT * len(commit))

    def move_forward(self, commit: str) -> None:
        """Bring the branch that is checked out, with index and files, to a commit that follows it.

        Raises RepositoryError, with nothing moved, when files that it changes are not as committed.
        """
        ended = self._git.attempt(*_QUIET, "merge", "--ff-only", "--quiet", commit)
        if ended.code != 0:
            raise local_trouble("merge", ended, self._git.checkout.root)

    def subjects(self, since: str, until: str, paths: Sequence[str]) -> tuple[str, ...]:
        """Return ``ID SUBJECT`` of the commits that changed something in the paths, newest first."""
        wanted = tuple(f":(top,literal){path}" for path in paths)
        output = self._git.run(
            "-c", "log.showSignature=false", "log", "-z", "--no-merges", "--abbrev=10",
            "--format=%h %s", f"{since}..{until}", "--", *wanted,
        )  # fmt: skip
        return tuple(line for line in output.decode(errors="replace").split("\0") if line)

    def nested(self, commits: Iterable[str]) -> frozenset[str]:
        """Return the paths of the repositories inside this one at any of the commits."""
        found: set[str] = set()
        for commit in commits:
            if self.read(commit, ".gitmodules") is not None:
                files = self._files(commit, ())
                found |= {path for path, held in files.items() if held.mode == _GITLINK}
        return frozenset(found)

    def _files(self, commit: str, paths: Sequence[str]) -> dict[str, _Held]:
        """Return the files of a commit below some paths; all of them without any, or for the root's."""
        chosen = () if "" in paths else tuple(paths)
        listing = self._git.run(
            "ls-tree", "-r", "-z", "--full-tree", resolve(self._git, commit).id, "--", *chosen
        )
        return dict(_listed(listing))

    def _blob(self, content: bytes) -> str:
        # `hash-object --stdin` with nothing to read would wait for a terminal.
        if not content:
            return self._git.run("hash-object", "-w", "/dev/null").decode().strip()
        return self._git.run("hash-object", "-w", "--stdin", stdin=content).decode().strip()


def _listed(listing: bytes) -> Iterator[tuple[str, _Held]]:
    for record in os.fsdecode(listing).split("\0"):
        facts, _, path = record.partition("\t")
        if path:
            mode, _, object_id = facts.split(" ")
            yield path, _Held(mode, object_id)


def _removals(
    changed: Iterable[str], before: Mapping[str, _Held], after: Mapping[str, _Held]
) -> Iterator[str]:
    for path in changed:
        if path not in after:
            yield f"0 {_NO_OBJECT * len(before[path].id)}\t{path}\0"


def _additions(changed: Iterable[str], after: Mapping[str, _Held]) -> Iterator[str]:
    for path in changed:
        if path in after:
            yield f"{after[path].mode} {after[path].id}\t{path}\0"

"""Objects and refs of a repository and of its remotes, for whoever keeps records in Git.

Nothing is checked out and no index is touched: objects are written one by one, refs are moved by
compare-and-swap, here in one transaction, on a remote in one atomic push whose leases hold or nothing moves.
"""

import os
import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from orchestrator.errors import RepositoryError
from orchestrator.repository.ancestry import descends
from orchestrator.repository.fetching import fetched
from orchestrator.repository.git import Git, Patience
from orchestrator.repository.objects import identify, read_objects
from orchestrator.repository.streams import Draft, stream_of
from orchestrator.repository.troubles import fetch_trouble, local_trouble, remote_trouble

_QUIET = ("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "core.hooksPath=/dev/null")
# Git leaves single objects to the operating system by default; a record has to be on the disk.
_DURABLE = ("-c", "core.fsync=committed,loose-object,reference")
_MOVED = re.compile(
    r"\(stale info\)|is at \w+ but expected|reference already exists|unable to resolve reference"
)
_BUSY = re.compile(r"\.lock': File exists")  # somebody is moving it at this very moment
_PATIENT = ("-c", "core.filesRefLockTimeout=300")  # thrice what Git waits for another one by itself
_REJECTED = re.compile(r"^!", re.MULTILINE)
_AUTHOR = re.compile(r"^\s*(?P<name>.*?)\s*(?:<(?P<mail>[^<>]*)>)?\s*$")

_MANY = 20  # commits, from which on one command for all is quicker than four for each

Moves = Mapping[str, tuple[str, str]]
"""For each ref the id that it has to stand at, and the one that it moves to; empty means: it does not exist."""


class GitPlumbing:
    """Low-level reading and writing in one repository."""

    def __init__(self, git: Git, *, patience: Patience) -> None:
        """Take the edge to Git, and how long a remote may take to answer."""
        self._git = git
        self._patience = patience
        self._apart: dict[str, bool] = {}  # of remotes, whether they are pushed to another address

    def read(self, names: Sequence[str]) -> tuple[tuple[str, bytes] | None, ...]:
        """Return id and content of each named object (``REF``, ``REF:path``, an id), None where there is none."""
        found = read_objects(self._git, names)
        return tuple((each.id, each.content) if each else None for each in found)

    def identify(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the id of each named object, empty where there is none; no content is read."""
        return identify(self._git, names)

    def commit(
        self,
        files: Mapping[str, bytes],
        *,
        parents: Sequence[str],
        message: str,
        author: str,
        at: datetime,
    ) -> str:
        """Write a commit that holds just these files, and return its id; no ref moves.

        ``author`` reads ``Name <mail>`` or is a name alone; ``at`` is the time that both sides carry.
        """
        listing = b"".join(
            b"100644 blob %s\t%s\0" % (self._blob(content), os.fsencode(name))
            for name, content in sorted(files.items())
        )
        tree = self._write("mktree", "-z", stdin=listing)
        ancestry = tuple(argument for parent in parents for argument in ("-p", parent))
        return self._write(
            "commit-tree", tree, *ancestry, stdin=message.encode(), variables=_signature(author, at)
        )

    @property
    def shallow(self) -> bool:
        """Whether this is a clone without the whole history."""
        return self._git.checkout.shallow

    def chain(self, drafts: Sequence[Draft], *, parent: str) -> str:
        """Write commits, each with the one before as its first parent (the first: ``parent``); return the last's id.

        No ref moves. Where there is nothing to write, ``parent`` is returned.
        """
        if len(drafts) >= _MANY:
            return self._stream(drafts, parent)
        for draft in drafts:
            parent = self.commit(
                draft.files,
                parents=[one for one in (parent, *draft.parents) if one],
                message=draft.message,
                author=draft.author,
                at=draft.at,
            )
        return parent

    def move(self, moves: Moves) -> bool:
        """Move local refs, all or none; return whether each stood where it had to.

        Raises RepositoryError when they cannot be moved, such as for a lock file that a crash left.
        """
        return self._transacted(_transaction(moves))

    def rehearse(self, moves: Moves) -> bool:
        """Do all that moving local refs takes, but for moving them; return and raise what ``move`` would."""
        return self._transacted(_transaction(moves, ending=("prepare", "abort")))

    def _transacted(self, lines: str) -> bool:
        ended = self._git.attempt(
            *_QUIET, *_DURABLE, *_PATIENT, "update-ref", "--stdin", stdin=lines.encode()
        )
        if ended.code != 0 and not _MOVED.search(ended.stderr):
            raise local_trouble("update-ref", ended, self._git.checkout.root)
        return ended.code == 0

    def descends(self, commit: str, *, ancestor: str) -> bool | None:
        """Return whether ``ancestor`` is the commit or in its history; None where a shallow clone cannot tell."""
        return descends(self._git, commit, ancestor=ancestor)

    def log(self, name: str, *, limit: int) -> tuple[str, ...]:
        """Return the ids of a commit and of its first parents, newest first."""
        ended = self._git.run("rev-list", "--first-parent", f"--max-count={limit}", name, "--")
        return tuple(ended.decode().split())

    def list_refs(self, refs: Sequence[str]) -> Mapping[str, str]:
        """Return where these refs stand here; absent ones are left out.

        One that ends in ``/*`` stands for all below it.
        """
        form = "--format=%(objectname)\t%(refname)"
        patterns = (ref.removesuffix("*") for ref in refs)
        return _chosen(self._git.run("for-each-ref", form, *patterns), refs)

    def remotes(self) -> Collection[str]:
        """Return the names of the remotes that the repository knows."""
        return self._git.run("remote").decode().splitlines()

    def list_remote(self, remote: str, refs: Sequence[str]) -> Mapping[str, str]:
        """Return where these refs stand on a remote; absent ones are left out.

        One that ends in ``/*`` stands for all below it.
        Raises RepositoryError when the remote does not answer.
        """
        ended = self._git.attempt("ls-remote", "--", remote, *refs, patience=self._patience)
        if ended.code != 0:
            raise remote_trouble(remote, ended.stderr)
        # A pattern of ls-remote matches the end of a name, so that a longer one may answer as well.
        return _chosen(ended.stdout, refs)

    def fetch(self, remote: str, refs: Sequence[str], *, depth: int) -> bool:
        """Fetch the objects behind these refs and move no ref of this repository; False when one is gone.

        ``depth`` is how many commits of each a shallow clone fetches, which is to stay one.
        Raises RepositoryError when the remote does not answer, or what comes cannot be written here.
        """
        shallow = (f"--depth={depth}",) if self._git.checkout.shallow else ()
        ended = fetched(
            self._git, *_QUIET, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-prune", "--no-filter",
            "--recurse-submodules=no", *shallow, "--", remote, *refs,
            patience=self._patience,
        )  # fmt: skip
        if ended.code != 0 and "couldn't find remote ref" in ended.stderr:
            return False
        if ended.code != 0:
            raise fetch_trouble(remote, ended, self._git.checkout.root)
        return True

    def push(self, remote: str, moves: Moves) -> bool:
        """Move refs of a remote, all or none; return whether each stood where it had to.

        Raises RepositoryError when the remote refuses or does not answer.
        """
        leases = (f"--force-with-lease={ref}:{old}" for ref, (old, _) in moves.items())
        refspecs = (f"{new}:{ref}" for ref, (_, new) in moves.items())
        ended = self._git.attempt(
            *_QUIET, "push", "--porcelain", "--atomic", "--no-verify", "--no-signed",
            "--recurse-submodules=no", *leases, "--", remote, *refspecs,
            patience=self._patience,
        )  # fmt: skip
        if ended.code == 0:
            self._check_arrived(remote, moves)
            return True
        said = f"{ended.stderr}\n{ended.stdout.decode(errors='replace')}"
        moved = _MOVED.search(said) or _BUSY.search(said)
        if _REJECTED.search(said) and (moved or not self._stand(remote, moves)):
            return False
        raise remote_trouble(remote, said)

    def _check_arrived(self, remote: str, moves: Moves) -> None:
        """Raise RepositoryError where what a push made is not at the address that is fetched from; it is undone.

        What is only moved is not asked for: others may have moved it further by then.
        """
        made = {ref: new for ref, (old, new) in moves.items() if new and not old}
        if made and remote not in self._apart:
            fetched_from, pushed_to = (
                self._git.asked("remote", "get-url", *way, "--", remote).stdout
                for way in ((), ("--push",))
            )
            self._apart[remote] = fetched_from != pushed_to
        if not made or not self._apart[remote]:
            return
        if self.list_remote(remote, tuple(made)) == made:
            return
        moved = {ref: at for ref, at in moves.items() if at[0] != at[1]}
        leases = (f"--force-with-lease={ref}:{new}" for ref, (_, new) in moved.items())
        back = (f"{old}:{ref}" for ref, (old, _) in moved.items())
        self._git.attempt(
            *_QUIET, "push", "--quiet", "--atomic", "--no-verify", *leases, "--", remote, *back, patience=self._patience
        )  # fmt: skip
        raise RepositoryError(
            f"what is pushed to the remote {remote} does not arrive where it is fetched from",
            hint=f"its two addresses (git remote get-url {remote}, and with --push) are two repositories, or one is a"
            " mirror that lags: name a remote that has one, with ledger: {remote: NAME}",
        )

    def _stream(self, drafts: Sequence[Draft], parent: str) -> str:
        """Write many commits by one command, which needs a ref to leave the last one at."""
        ref = f"refs/orchestrator-writing/{uuid.uuid4().hex}"
        signatures = [_stamped(draft.author, draft.at) for draft in drafts]
        stream = b"".join(stream_of(drafts, signatures, ref=ref, parent=parent))
        arguments = ("fast-import", "--quiet", "--done", "--date-format=raw")
        last = self._git.run(*_QUIET, *_DURABLE, *arguments, stdin=stream).decode().strip()
        self.move({ref: (last, "")})
        return last

    def _stand(self, remote: str, moves: Moves) -> bool:
        """Return whether all refs stand where they had to: then they were refused for another reason."""
        there = self.list_remote(remote, tuple(moves))
        return all(there.get(ref, "") == old for ref, (old, _) in moves.items())

    def _blob(self, content: bytes) -> bytes:
        return self._write("hash-object", "-w", "--stdin", stdin=content or b"\n").encode()

    def _write(
        self, *arguments: str, stdin: bytes, variables: Mapping[str, str] | None = None
    ) -> str:
        return (
            self._git.run(*_DURABLE, *arguments, stdin=stdin, variables=variables).decode().strip()
        )


def _chosen(listing: bytes, refs: Sequence[str]) -> Mapping[str, str]:
    folders = tuple(ref.removesuffix("*") for ref in refs if ref.endswith("/*"))
    lines = (line.split("\t") for line in listing.decode(errors="replace").splitlines())
    return {ref: object_id for object_id, ref in lines if ref in refs or ref.startswith(folders)}


def _transaction(moves: Moves, *, ending: Sequence[str] = ("commit",)) -> str:
    lines = ("start", *(_move(ref, old, new) for ref, (old, new) in moves.items()), *ending)
    return "".join(f"{line}\n" for line in lines)


def _move(ref: str, old: str, new: str) -> str:
    if old == new:
        return f"verify {ref} {old}".rstrip()
    absent = "0" * len(old or new)  # as long as the ids of this repository's hash
    return f"update {ref} {new} {old or absent}" if new else f"delete {ref} {old}"


def _stamped(author: str, at: datetime) -> str:
    signature = _signature(author, at)
    name, mail = (
        re.sub(r"[<>\n]", "", signature[f"GIT_AUTHOR_{part}"]) for part in ("NAME", "EMAIL")
    )
    return f"{name} <{mail}> {signature['GIT_AUTHOR_DATE']}"


def _signature(author: str, at: datetime) -> Mapping[str, str]:
    found = _AUTHOR.match(author)
    name, mail = (found["name"], found["mail"] or "") if found else (author, "")
    moment = f"{int(at.timestamp())} +0000"
    return {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", name or "unknown"), ("EMAIL", mail), ("DATE", moment))
    }

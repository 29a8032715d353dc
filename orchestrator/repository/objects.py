"""Reading objects: any number of them through one ``git cat-file``."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.errors import RepositoryError
from orchestrator.repository.git import BATCH, CHECK, Git


@dataclass(frozen=True, slots=True, kw_only=True)
class GitObject:
    """An object's full id, its kind (commit, tree, blob, tag) and its content."""

    id: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit's id and the first paragraph of its message, on one line."""

    id: str
    subject: str


def read_objects(git: Git, names: Sequence[str]) -> tuple[GitObject | None, ...]:
    """Return the objects that the names stand for, in their order; None for those that are not there.

    A name goes over stdin, so that it is never read as an option.
    """
    if not names:
        return ()
    output = git.objects(BATCH, names)
    found: list[GitObject | None] = []
    start = 0
    while start < len(output):
        end = output.index(b"\n", start)
        kind_and_size = _object_header(output[start:end])
        start = end + 1
        if kind_and_size is None:
            found.append(None)
            continue
        object_id, kind, size = kind_and_size
        found.append(GitObject(id=object_id, kind=kind, content=output[start : start + size]))
        start += size + 1
    return tuple(found)


def identify(git: Git, names: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of the objects that the names stand for, in their order; empty for those that are not there."""
    if not names:
        return ()
    lines = git.objects(CHECK, names).splitlines()
    found = (_object_header(line) for line in lines)
    return tuple(header[0] if header else "" for header in found)


def resolve(git: Git, name: str) -> Commit:
    """Return the commit that a name stands for; raises RepositoryError when there is none."""
    if not name or any(ord(letter) <= ord(" ") for letter in name):
        raise RepositoryError(f"{name!r} is no name of a revision")
    (found,) = read_objects(git, (f"{name}^{{commit}}",))
    if found is None:
        raise _missing(git, name)
    return _commit(found)


def read_commit(git: Git, commit: str) -> Commit:
    """Return a commit by its id, as ``git status`` gives it: empty when nothing was committed yet."""
    return resolve(git, commit or "HEAD")


def author_of(git: Git, commit: str) -> str:
    """Return who wrote a commit, ``Name <mail>``; of a merge who wrote the last of what it brings.

    Empty where that commit is not here, as in a shallow clone.
    """
    (found,) = read_objects(git, (f"{commit}^{{commit}}",))
    if found is None:
        return ""
    header = [line.partition(b" ") for line in found.content.partition(b"\n\n")[0].splitlines()]
    parents = [value for key, _, value in header if key == b"parent"]
    if len(parents) > 1:
        return author_of(git, parents[-1].decode())
    authors = (value for key, _, value in header if key == b"author")
    name, mark, _ = next(authors, b"").decode(errors="replace").rpartition(">")
    return f"{name}{mark}"


def _missing(git: Git, name: str) -> RepositoryError:
    if _has_no_commit(git, name):
        return RepositoryError(
            "the repository has no commit yet", hint="make the first one: git add . && git commit"
        )
    if git.checkout.shallow:
        return RepositoryError(
            f"the revision {name} is not in this shallow clone",
            hint="fetch the whole history: git fetch --unshallow (in CI: a fetch depth of 0)",
        )
    return RepositoryError(
        f"there is no revision {name} in this repository",
        hint="fetch it first, or see git log for its name",
    )


def _has_no_commit(git: Git, name: str) -> bool:
    """Whether nothing was committed yet; in an agent's clone, which has nothing checked out, there may be others."""
    if git.attempt("rev-parse", "--verify", "--quiet", "HEAD").code == 0:
        return False
    return name == "HEAD" or not git.run("for-each-ref", "--count=1")


def _object_header(line: bytes) -> tuple[str, str, int] | None:
    match line.split(b" "):
        case [object_id, kind, size] if size.isdigit():
            return object_id.decode(), kind.decode(), int(size)
        case _:  # "NAME missing", "NAME ambiguous"
            return None


def _commit(found: GitObject) -> Commit:
    message = found.content.partition(b"\n\n")[2].decode(errors="replace")
    paragraph = message.strip().partition("\n\n")[0]
    return Commit(id=found.id, subject=" ".join(paragraph.split()))

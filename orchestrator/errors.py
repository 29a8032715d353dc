"""The exception tree: what can go wrong, with the exit code that each kind owns.

    OrchestratorError                 1   anything that stops a command with a message
    ├── InvalidStack                  1   mistakes in stack files or manifests, all of them at once
    ├── RepositoryError               1   Git refused, a revision is missing, a remote does not answer
    │   └── RemoteUnreachable         1   no answer of a remote: never read as "nothing is there"
    ├── TerraformError                1   Terraform failed, with its own diagnostics
    │   └── TerraformUnavailable      1   no usable binary, or one of the wrong version
    ├── ClusterError                  1   the API server refused or does not answer
    │   ├── ClusterUnreachable        1   no answer: never read as "nothing is there"
    │   └── AccessDenied              1   credentials expired or forbidden
    ├── LedgerError                   1   the ledger cannot be read or written
    │   ├── LockLost                  1   the lock went to somebody else, or its lease is over
    │   ├── LedgerLost                1   entries that were seen before are not there any more
    │   ├── LedgerUnreachable         1   its directory is not there, or cannot be used
    │   └── NewerFormat               1   a newer orchestrator wrote it
    ├── ForgeError                    1   a forge refused, or lacks what was asked for
    │   └── ForgeUnanswered           1   a forge does not answer: nobody knows what it did
    ├── SandboxError                  1   a component of the local control plane failed
    ├── PlanRefused                   1   a guard, or a world that moved since the plan was shown
    ├── StorageError                  1   the disk is full or a file cannot be written
    ├── UsageError                   64   a wrong flag, no such stack, no such environment
    ├── Locked                       75   another writer holds the stack
    └── Interrupted                 130   a person or a supervisor asked to stop

A message says what failed, on what, in lower case and without a full stop; the hint says what to do next;
the detail is material that is worth showing below them, such as the end of a log.
"""

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands: a file and a position in it.

    ``line`` and ``column`` count from 1; ``text`` is the source line, for the caret below it; ``file`` is
    relative to the repository's root where it lies inside. Where ``secret``, nothing of what is written there may be
    shown: there is no text, and messages quote none.
    """

    file: str
    line: int
    column: int
    text: str = ""
    secret: bool = False

    def __str__(self) -> str:
        """Return ``file:line:column``."""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake in a file that a person wrote; ``related`` names a second place, such as a first definition."""

    message: str
    place: Place | None = None
    hint: str = ""
    related: Place | None = None

    def __str__(self) -> str:
        """Return ``stack.yaml:4:7: unknown key 'imput'``, without a place where none is known."""
        return f"{self.place}: {self.message}" if self.place else self.message


class OrchestratorError(Exception):
    """Anything that stops a command with a message for a person."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", detail: str = "") -> None:
        """Keep the three parts apart, so that every report can lay them out."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail

    @property
    def in_a_line(self) -> str:
        """Return what is wrong without what to do about it, for a line among others."""
        return self.message


class InvalidStack(OrchestratorError):
    """Mistakes in stack files, settings or manifests, collected and raised once."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        """Take every mistake found, in the order in which they are to be shown."""
        count = len(mistakes)
        super().__init__(f"{count} mistake{'s' if count != 1 else ''} found")
        self.mistakes = mistakes

    @property
    def in_a_line(self) -> str:
        """Return every mistake with its place."""
        return "; ".join(map(str, self.mistakes))


class RepositoryError(OrchestratorError):
    """Git refused, a revision is missing or a remote does not answer."""


class RemoteUnreachable(RepositoryError):
    """A remote does not answer; nothing is concluded about what it holds."""


class TerraformError(OrchestratorError):
    """Terraform failed; the detail holds its own diagnostics, redacted."""


class TerraformUnavailable(TerraformError):
    """No usable Terraform binary, or one whose version the stack does not accept."""


class ClusterError(OrchestratorError):
    """The API server refused a request."""


class ClusterUnreachable(ClusterError):
    """The API server does not answer; nothing is concluded about what it holds."""


class AccessDenied(ClusterError):
    """The credentials are expired, or do not allow this verb on this resource."""


class LedgerError(OrchestratorError):
    """The ledger cannot be read or written."""


class LockLost(LedgerError):
    """The lock of a run went to somebody else, or its lease is over; it records nothing more and stops."""


class LedgerLost(LedgerError):
    """Entries that were seen before are gone: the ledger was deleted, cut short or replaced by another one."""


class LedgerUnreachable(LedgerError):
    """The directory that ledgers are kept in is not there, or cannot be used; nothing is concluded about them."""


class NewerFormat(LedgerError):
    """A newer orchestrator wrote what is there; it is neither damaged nor to be touched."""


class ForgeError(OrchestratorError):
    """A forge refused a request, or has not what was asked for."""


class ForgeUnanswered(ForgeError):
    """A forge does not answer, or only with an error of its own: nobody can tell what it did."""


class SandboxError(OrchestratorError):
    """A component of the local control plane failed; the detail is the end of its log."""


class PlanRefused(OrchestratorError):
    """A guard refused the plan, or the world moved since it was shown."""


class StorageError(OrchestratorError):
    """The disk is full, or a file of ours cannot be written."""


class UsageError(OrchestratorError):
    """The command was called wrongly: a flag, a stack or an environment that is not there."""

    exit_code = 64


class Locked(OrchestratorError):
    """Another writer holds the stack and environment."""

    exit_code = 75


class Interrupted(OrchestratorError):
    """A person or a supervisor asked to stop; what was done is recorded."""

    exit_code = 130


def together(errors: Sequence[OrchestratorError]) -> OrchestratorError:
    """Return one error for several refusals: the first one's message and kind, and below it what else they say."""
    first = errors[0]
    if len(errors) == 1:
        return first
    same_hint = len({error.hint for error in errors}) == 1
    details = [
        *_below(first, with_hint=not same_hint),
        *(_paragraph(error, with_hint=not same_hint) for error in errors[1:]),
    ]
    more = len(errors) - 1
    return _plain_kind(first)(
        f"{first.message}, and {more} more {'refusal' if more == 1 else 'refusals'}",
        hint=first.hint if same_hint else "",
        detail="\n".join(details),
    )


def _plain_kind(error: OrchestratorError) -> type[OrchestratorError]:
    """Return the nearest kind of an error that is made of a message, a hint and a detail alone."""
    kinds = (kind for kind in type(error).__mro__ if issubclass(kind, OrchestratorError))
    return next(kind for kind in kinds if kind.__init__ is OrchestratorError.__init__)


def _paragraph(error: OrchestratorError, *, with_hint: bool) -> str:
    return "\n".join([error.message, *(f"  {line}" for line in _below(error, with_hint=with_hint))])


def _below(error: OrchestratorError, *, with_hint: bool) -> list[str]:
    hint = [f"hint: {error.hint}"] if with_hint and error.hint else []
    return [*error.detail.splitlines(), *hint]


def storage_error(error: OSError) -> StorageError:
    """Translate an error of the file system that nobody nearer could explain."""
    where = f" {error.filename}" if error.filename else ""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        message = f"no space left on the device while writing{where}"
        return StorageError(
            message, hint="free some space and run again; what was done is recorded"
        )
    reason = os.strerror(error.errno) if error.errno else str(error)
    return StorageError(f"cannot use{where or ' a file'}: {reason.lower()}")


def unexpected(error: Exception) -> OrchestratorError:
    """Translate whatever nobody foresaw: an error of the file system, or a bug of ours."""
    if isinstance(error, OrchestratorError):
        return error
    if isinstance(error, OSError):
        return storage_error(error)
    hint = "this is a bug of the orchestrator; run again with --verbose for the traceback"
    return OrchestratorError(f"internal error: {type(error).__name__}: {error}", hint=hint)

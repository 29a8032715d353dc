"""What Git says when it fails, as errors that say what to do next. Pure: texts in, errors out."""

import re
import shlex
import signal
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import OrchestratorError, RemoteUnreachable, RepositoryError, StorageError
from orchestrator.repository.addresses import without_credentials

_FULL = re.compile(r"No space left on device|Disk quota exceeded|File too large", re.IGNORECASE)
_UNWRITTEN = re.compile(
    r"unable to write|couldn't write|write error|write failure|cannot store|error writing|failed to write"
)
_ROOM = (
    "see whether the disk has room and may be written to, and run again; nothing was left behind"
)
_FOREIGN_OWNER = re.compile(r"dubious ownership in repository at '(?P<root>.+)'|dubious ownership")
_BUSY = re.compile(r"\.lock': File exists|cannot lock ref|Unable to create .*\.lock")
_IN_THE_WAY = re.compile(r"Unable to create '(?P<file>[^']+\.lock)': File exists")
_READ_ONLY = re.compile(r"Read-only file system|Permission denied|insufficient permission")
_NO_ACCESS = re.compile(
    r"Authentication failed|could not read (Username|Password)|terminal prompts disabled"
    r"|Permission denied \(|Invalid username or|HTTP Basic: Access denied|error: 40[13]"
    r"|not authorized",
    re.IGNORECASE,
)
UNREADABLE = "no password in the file "
"""What a helper of ours says before the name of a file that is not there, or is empty."""

_NO_FILE = re.compile(
    rf"^(?:{UNREADABLE}(?P<password>.+)|Warning: Identity file (?P<key>.+) not accessible: .+)$",
    re.MULTILINE,
)
_FOREIGN_HOST = re.compile(r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED")
_HOST_CHANGED = re.compile(r"IDENTIFICATION HAS CHANGED|Host key for .* has changed")
_FINGERPRINT = re.compile(r"\b(SHA256:[A-Za-z0-9+/]{43})")
_KNOWN_IN = re.compile(r"Offending .*key in (?P<file>.+:\d+)")
_REFUSED = re.compile(
    r"\[remote rejected\]|hook declined|protected|hidden ref|remote: .*(denied|not allowed)"
    r"|unable to create temporary object directory|insufficient permission",
    re.IGNORECASE,
)
_ADVICE = re.compile(
    r"fatal: Could not read from remote|Please make sure you have the correct|and the repository exists\."
)
_PREFIX = re.compile(r"^(fatal|error|remote): ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a Git command ended; the code is negative for a signal."""

    code: int
    stdout: bytes
    stderr: str


def local_trouble(verb: str, ended: Ended, root: Path | str) -> OrchestratorError:
    """Return the error for a Git command that failed inside this repository."""
    text = without_credentials(ended.stderr).strip()
    if _FULL.search(text) or ended.code == -signal.SIGXFSZ:
        return StorageError("the disk is full", hint=_ROOM, detail=text)
    if _UNWRITTEN.search(text):  # of a full disk, too, Git often tells no more
        return StorageError(
            f"git could not write: {_first_line(text)}", hint=_ROOM, detail=_more(text)
        )
    if found := _FOREIGN_OWNER.search(text):
        root = found["root"] or root
        return RepositoryError(
            f"the repository {root} belongs to another user, and Git refuses to read it",
            hint=f"trust it: git config --global --add safe.directory {root}",
        )
    if found := _IN_THE_WAY.search(text):
        file = found["file"]
        return RepositoryError(
            f"git {verb} failed: the lock file {file} is in the way",
            hint="another Git process is at work in this repository: run again when it has ended;"
            f" if there is none, one crashed and left it: rm {shlex.quote(file)}",
        )
    reason = f"signal {-ended.code}" if ended.code < 0 else _first_line(text)
    return RepositoryError(f"git {verb} failed: {reason}", hint=_local_hint(text), detail=text)


def remote_trouble(remote: str, stderr: str) -> RepositoryError:
    """Return the error for a remote that could not be read or written."""
    text = without_credentials(stderr).strip()
    if _REFUSED.search(text):
        return RepositoryError(
            f"the remote {remote} refused the push: {_rejection(text)}",
            hint="allow pushes to refs/orchestrator/*, refs/orchestrator-lock/* and refs/orchestrator-queue/* there, "
            "or keep the ledger in this clone alone with ledger: {remote: false}",
            detail=_said_there(text),
        )
    if _FOREIGN_HOST.search(text):
        return _foreign_host(remote, text)
    if missing := _NO_FILE.search(text):
        what = "password" if missing["password"] else "key"
        return RepositoryError(
            f"the {what} file {missing[what]} is not there, cannot be read, or is empty",
            hint="bring it back: it is read each time, and nothing has to start anew",
            detail=text,
        )
    if _NO_ACCESS.search(text):
        return RepositoryError(
            f"the remote {remote} does not accept the credentials that Git has for it",
            hint="Git is never asked to prompt here: set up a credential helper, an SSH agent or GIT_ASKPASS",
            detail=text,
        )
    return RemoteUnreachable(
        f"the remote {remote} does not answer: {_first_line(text)}",
        hint=f"see whether `git ls-remote {remote}` works, and run again when it does",
        detail=_more(text),
    )


def fetch_trouble(remote: str, ended: Ended, root: Path | str) -> OrchestratorError:
    """Return the error for a fetch that failed: there, or here, where what came could not be written."""
    ours = "\n".join(line for line in ended.stderr.splitlines() if not line.startswith("remote: "))
    if any(each.search(ours) for each in (_BUSY, _FULL, _UNWRITTEN)):
        return local_trouble("fetch", ended, root)
    return remote_trouble(remote, ended.stderr)


def _foreign_host(remote: str, text: str) -> RepositoryError:
    shown, known = _FINGERPRINT.search(text), _KNOWN_IN.search(text)
    if _HOST_CHANGED.search(text):
        place = f" than the one at {known['file'].strip()}" if known else ""
        return RepositoryError(
            f"the host of {remote} shows another key{place}{f': {shown[1]}' if shown else ''}",
            hint="somebody may stand in between: ask who runs it for its key, by another way,"
            " and only if it is this one put it there",
            detail=text,
        )
    return RepositoryError(
        f"the host of {remote} is not known: {text.splitlines()[0].strip()}",
        hint="ask who runs it for its key, by another way, and put that into known_hosts,"
        " or for an agent into the file that known_hosts_file names",
        detail=text,
    )


def _local_hint(text: str) -> str:
    if _BUSY.search(text):
        return "another Git process is at work in this repository; run again when it has ended"
    if _READ_ONLY.search(text):
        return "see whether this user may write to the repository's .git directory"
    return ""


def _first_line(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.startswith(("hint:", "warning:"))]
    others = [line for line in lines if line.strip() and not _ADVICE.match(line)]
    for start in ("fatal: ", "error: ", ""):
        for line in others or lines:
            if line.startswith(start):
                return _PREFIX.sub("", line).strip()
    return "no reason given"


def _more(text: str) -> str:
    """Return what Git says beyond the line that stands in the message, each line once."""
    lines = (line.rstrip() for line in text.splitlines())
    told = _first_line(text)
    kept = (line for line in lines if line and _PREFIX.sub("", line).strip() != told)
    return "\n".join(line for line in dict.fromkeys(kept) if not _ADVICE.match(line))


def _said_there(text: str) -> str:
    """Return what the other side said of a push that it refused."""
    return "\n".join(line for line in text.splitlines() if line.startswith("remote: "))


def _rejection(text: str) -> str:
    rejected = next((line for line in text.splitlines() if "[remote rejected]" in line), "")
    reason = rejected.rpartition("(")[2].rstrip(")")
    return reason or _first_line(text)

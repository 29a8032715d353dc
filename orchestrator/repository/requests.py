"""Handing a branch on: pushing it, and where a request for it is opened. The address is told, and nobody is asked."""

import re
from typing import Final
from urllib.parse import quote

from orchestrator.errors import RepositoryError
from orchestrator.repository.addresses import without_credentials
from orchestrator.repository.git import Git, Patience
from orchestrator.repository.troubles import remote_trouble

_URL: Final = re.compile(r"^(?P<scheme>https?|ssh|git)://(?P<host>[^/]+)/(?P<path>.+?)(\.git)?/?$")
_SCP: Final = re.compile(r"^(?:[^@/]+@)?(?P<host>[^:/]+):(?!//)(?P<path>.+?)(\.git)?/?$")
_TOLD: Final = re.compile(r"^remote:.*?(?P<address>https?://\S+)", re.MULTILINE)
_OF_A_REQUEST: Final = re.compile(r"/(compare|pull/new|merge_requests/new|pulls/new)\b")
_BEHIND: Final = re.compile(r"\((?:fetch first|non-fast-forward)\)")
_REFUSED: Final = re.compile(r"\[remote rejected\]|hook declined|protected", re.IGNORECASE)


def push_branch(git: Git, remote: str, commit: str, branch: str, *, patience: Patience) -> str:
    """Push a commit to a branch of a remote, as nobody forces it, and return what the remote said.

    Raises RepositoryError when the remote refuses, has other commits on that branch, or does not answer.
    """
    ended = git.attempt(
        "push", "--porcelain", "--recurse-submodules=no", "--", remote, f"{commit}:refs/heads/{branch}",
        patience=patience,
    )  # fmt: skip
    said = without_credentials(f"{ended.stderr}\n{ended.stdout.decode(errors='replace')}")
    if ended.code == 0:
        return said
    if _BEHIND.search(said):
        message = f"{branch} has commits on {remote} that are not here"
        raise RepositoryError(message, hint=f"fetch them, bring {branch} up to date, and run again")
    if _REFUSED.search(said):
        raise RepositoryError(
            f"the remote {remote} refused the push to {branch}",
            hint="where branches are protected, open a request: --open-request",
            detail="\n".join(line for line in said.splitlines() if line.startswith("remote: ")),
        )
    trouble = remote_trouble(remote, said)
    hint = "run again when it answers, or without --push; nothing moved, here or there"
    raise RepositoryError(trouble.message, hint=hint, detail=trouble.detail)


def address_of(git: Git, remote: str) -> str:
    """Return the address that a remote is pushed to, as Git has it; it may hold credentials."""
    return git.run("remote", "get-url", "--push", "--", remote).decode(errors="replace").strip()


def request_address(said: str, address: str, *, base: str, branch: str) -> str:
    """Return where a request is opened: what the forge itself said of the push, else what its address tells.

    Empty when neither does: what forge it is cannot be known from a name that says nothing.
    """
    told = [found["address"] for found in _TOLD.finditer(said)]
    return next(filter(_OF_A_REQUEST.search, told), "") or _derived(address, base, branch)


def _derived(address: str, base: str, branch: str) -> str:
    found = _URL.match(address) or _SCP.match(address)
    if found is None:
        return ""
    site = _site(found)
    host = found["host"].rpartition("@")[2]
    between = f"{quote(base)}...{quote(branch)}"
    if "github" in host:
        return f"{site}/compare/{between}?expand=1"
    if "gitlab" in host:
        wanted = {"source_branch": branch, "target_branch": base}
        query = "&".join(
            f"merge_request%5B{name}%5D={quote(value, safe='')}" for name, value in wanted.items()
        )
        return f"{site}/-/merge_requests/new?{query}"
    if re.search(r"gitea|forgejo|codeberg", host):
        return f"{site}/compare/{between}"
    return ""


def _site(found: re.Match[str]) -> str:
    """Return the page of a repository; only an address over HTTP says on which port that is."""
    host = found["host"].rpartition("@")[2]
    scheme = found.groupdict().get("scheme")
    if scheme in {"http", "https"}:
        return f"{scheme}://{host}/{found['path']}"
    return f"https://{host.partition(':')[0]}/{found['path']}"

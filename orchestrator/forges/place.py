"""Where a request is: found from what a CI system says of its run, or told."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from orchestrator.errors import UsageError


class Kind(StrEnum):
    """Which forge it is."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"

    @property
    def spelled(self) -> str:
        """Return its name as people write it."""
        return {Kind.GITHUB: "GitHub", Kind.GITLAB: "GitLab", Kind.GITEA: "Gitea"}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One request: the forge and its API, the repository there, the request's number, a token that may comment.

    The number is 0 where only commits matter.
    """

    kind: Kind
    api: str
    repository: str
    number: int
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a person says of a place; empty and 0 where the environment is to be asked."""

    kind: Kind | None = None
    api: str = ""
    repository: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """The variables in which the CI of a forge says where it runs; the first one that is set counts."""

    api: str
    repository: str
    tokens: tuple[str, ...]
    default_api: str = ""


PUBLIC_GITHUB: Final = "https://api.github.com"
"""Where the API of GitHub itself is."""

EXAMPLES: Final = {
    Kind.GITHUB: "https://github.example/api/v3",
    Kind.GITLAB: "https://gitlab.example/api/v4",
    Kind.GITEA: "https://gitea.example/api/v1",
}
"""What the address of an API looks like, by the kind of the forge."""

_OURS: Final = "ORCHESTRATOR_FORGE_TOKEN"
_VARIABLES: Final = {
    Kind.GITHUB: _Names(
        api="GITHUB_API_URL",
        repository="GITHUB_REPOSITORY",
        tokens=(_OURS, "GITHUB_TOKEN", "GH_TOKEN"),
        default_api=PUBLIC_GITHUB,
    ),
    Kind.GITLAB: _Names(
        api="CI_API_V4_URL", repository="CI_PROJECT_PATH", tokens=(_OURS, "GITLAB_TOKEN")
    ),
    Kind.GITEA: _Names(
        api="GITHUB_API_URL",
        repository="GITHUB_REPOSITORY",
        tokens=(_OURS, "GITEA_TOKEN", "GITHUB_TOKEN"),
    ),
}
TOKENS: Final = frozenset(
    {name for names in _VARIABLES.values() for name in names.tokens}
    | {"CI_JOB_TOKEN", "FORGEJO_TOKEN"}
)
"""The variables in which a CI, or whoever set it up, hands out tokens of a forge."""

_PULL: Final = re.compile(r"refs/pull/(\d+)/(?:merge|head)")


def find_place(environment: Mapping[str, str], told: Told, *, one_request: bool = True) -> Place:
    """Return where to comment; what is told wins over what the environment says.

    The number is 0 where nobody says it, unless it is about ``one_request``. Raises UsageError when nothing says one,
    and for what is no address.
    """
    kind = told.kind or _kind(environment)
    names = _VARIABLES[kind]
    return Place(
        kind=kind,
        api=_address(told.api or environment.get(names.api) or names.default_api, kind),
        repository=_needed(
            told.repository or environment.get(names.repository, ""),
            "nothing says in which repository the request is",
            "name it with --repository OWNER/NAME",
        ),
        number=_number_of(environment, kind, told, needed=one_request),
        token=_needed(
            _first(environment, names.tokens),
            "there is no token to comment with",
            f"set {' or '.join(names.tokens[:2])} in the environment",
        ),
    )


def _address(told: str, kind: Kind) -> str:
    hint = f"name its API with --api, such as {EXAMPLES[kind]}"
    api = _needed(told, f"nothing says where {kind.spelled} is", hint)
    try:
        parts = urlsplit(api)
        is_one = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # of a port that is none
        is_one = False
    if not is_one:
        raise UsageError(f"{api!r} is no address of {kind.spelled}", hint=hint)
    return api


def _number_of(environment: Mapping[str, str], kind: Kind, told: Told, *, needed: bool) -> int:
    number = told.number or _number(environment, kind)
    if needed and not number:
        hint = "name it with --request NUMBER"
        raise UsageError("nothing says which request is meant", hint=hint)
    return number


def _kind(environment: Mapping[str, str]) -> Kind:
    if environment.get("GITLAB_CI"):
        return Kind.GITLAB
    if environment.get("GITEA_ACTIONS") or environment.get("FORGEJO_ACTIONS"):
        return Kind.GITEA
    return Kind.GITHUB


def _number(environment: Mapping[str, str], kind: Kind) -> int:
    if kind is Kind.GITLAB:
        told = environment.get("CI_MERGE_REQUEST_IID", "")
        return int(told) if told.isdecimal() else 0
    found = _PULL.fullmatch(environment.get("GITHUB_REF", ""))
    return int(found.group(1)) if found else 0


def _first(environment: Mapping[str, str], names: Iterable[str]) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")


def _needed(value: str, message: str, hint: str) -> str:
    if not value:
        raise UsageError(message, hint=hint)
    return value

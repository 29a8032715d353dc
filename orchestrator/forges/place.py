"""Where a request is: found from what a CI system says of its run, or told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from orchestrator.errors import UsageError

_PULL: Final = re.compile(r"refs/pull/(\d+)/(?:merge|head)")
_TOKENS: Final = ("ORCHESTRATOR_FORGE_TOKEN", "GITHUB_TOKEN", "GH_TOKEN")
_SAY_REPOSITORY: Final = "name it with --repository OWNER/NAME"
_SAY_NUMBER: Final = "name it with --request NUMBER"
_SAY_TOKEN: Final = f"set {_TOKENS[0]} in the environment, or GITHUB_TOKEN"
_GITHUB_API: Final = "https://api.github.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One request: the address of the forge's API, the repository there, its number, and a token that may comment."""

    api: str
    repository: str
    number: int
    token: str = field(repr=False)


def find_place(environment: Mapping[str, str], *, repository: str, number: int) -> Place:
    """Return where to comment; what is told wins over what the environment says, 0 and empty texts tell nothing.

    Raises UsageError when one of them is missing.
    """
    found = _PULL.fullmatch(environment.get("GITHUB_REF", ""))
    number = number or (int(found.group(1)) if found else 0)
    repository = repository or environment.get("GITHUB_REPOSITORY", "")
    token = next((environment[name] for name in _TOKENS if environment.get(name)), "")
    for value, message, hint in (
        (repository, "nothing says in which repository the request is", _SAY_REPOSITORY),
        (number, "nothing says which request is meant", _SAY_NUMBER),
        (token, "there is no token to comment with", _SAY_TOKEN),
    ):
        if not value:
            raise UsageError(message, hint=hint)
    api = environment.get("GITHUB_API_URL") or _GITHUB_API
    return Place(api=api, repository=repository, number=number, token=token)

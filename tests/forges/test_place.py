"""Where a request is: found in what each forge's CI says of its run, or told."""

from collections.abc import Mapping

import pytest

from orchestrator.errors import UsageError
from orchestrator.forges.place import Kind, Place, Told, find_place

_GITHUB = {
    "GITHUB_API_URL": "https://ghe.example/api/v3",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_REF": "refs/pull/7/merge",
    "GITHUB_TOKEN": "of-the-job",
}
_GITEA = {
    **_GITHUB,
    "GITEA_ACTIONS": "true",
    "GITHUB_API_URL": "https://gitea.example/api/v1",
    "GITHUB_REF": "refs/pull/7/head",
}
_GITLAB = {
    "GITLAB_CI": "true",
    "CI_API_V4_URL": "https://gitlab.example/api/v4",
    "CI_PROJECT_PATH": "acme/shop",
    "CI_MERGE_REQUEST_IID": "7",
    "GITLAB_TOKEN": "of-the-job",
}
_FORGEJO = {**{key: _GITEA[key] for key in _GITEA if "GITEA" not in key}, "FORGEJO_ACTIONS": "true"}


@pytest.mark.parametrize(
    ("environment", "kind", "api"),
    [
        (_GITHUB, Kind.GITHUB, "https://ghe.example/api/v3"),
        (_GITEA, Kind.GITEA, "https://gitea.example/api/v1"),
        (_FORGEJO, Kind.GITEA, "https://gitea.example/api/v1"),
        (_GITLAB, Kind.GITLAB, "https://gitlab.example/api/v4"),
    ],
)
def test_a_pipeline_says_all_that_is_asked_for(
    environment: Mapping[str, str], kind: Kind, api: str
) -> None:
    """Nobody has to pass anything in a pipeline for a request."""
    found = find_place(environment, Told())

    assert found == Place(kind=kind, api=api, repository="acme/shop", number=7, token="of-the-job")
    assert "of-the-job" not in repr(found)


def test_github_itself_needs_no_address() -> None:
    """It has one that everybody knows; other forges may be anywhere."""
    token = {"GITHUB_TOKEN": "t", "GITEA_TOKEN": "t", "GITLAB_TOKEN": "t"}

    def told(kind: Kind) -> Told:
        return Told(kind=kind, repository="acme/shop", number=7)

    assert find_place(token, told(Kind.GITHUB)).api == "https://api.github.com"
    for kind in (Kind.GITLAB, Kind.GITEA):
        with pytest.raises(UsageError, match=f"nothing says where {kind.spelled} is"):
            find_place(token, told(kind))


@pytest.mark.parametrize("environment", [_GITHUB, _GITEA, _GITLAB, {"GITHUB_TOKEN": "of-the-job"}])
def test_what_is_told_wins(environment: Mapping[str, str]) -> None:
    """Whoever runs it elsewhere, or for another request, says so by flags; a token of our own is taken first."""
    api = "https://other.example/api/v1"
    told = Told(kind=Kind.GITEA, api=api, repository="other/blog", number=9)

    found = find_place({**environment, "ORCHESTRATOR_FORGE_TOKEN": "ours"}, told)

    assert found == Place(kind=Kind.GITEA, api=api, repository="other/blog", number=9, token="ours")


@pytest.mark.parametrize(
    "environment",
    [
        {**_GITHUB, "GITHUB_REF": "refs/heads/refs/pull/7/merge"},
        {**_GITHUB, "GITHUB_REF": "refs/heads/main"},
        {**_GITLAB, "CI_MERGE_REQUEST_IID": ""},
    ],
)
def test_no_request_is_guessed(environment: Mapping[str, str]) -> None:
    """A run for a branch is for none, whatever the branch is called."""
    assert find_place(environment, Told(), one_request=False).number == 0
    with pytest.raises(UsageError, match="nothing says which request is meant"):
        find_place(environment, Told())


@pytest.mark.parametrize(
    "api",
    [
        "not an address",
        "gitea.example/api/v1",
        "ftp://gitea.example/api/v1",
        "https:///api/v1",
        "https://gitea.example:port/api/v1",
        "https://gitea.example:99999/api/v1",
    ],
)
@pytest.mark.parametrize("kind", Kind)
def test_what_is_no_address_is_told_before_anybody_is_asked(kind: Kind, api: str) -> None:
    """The clients of forges take such a thing for one, and fail in words of their own, or without any."""
    with pytest.raises(UsageError, match="is no address of") as caught:
        find_place(_GITHUB | _GITLAB, Told(kind=kind, api=api))

    assert "/api/v" in caught.value.hint

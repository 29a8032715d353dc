"""Which remote is meant, and how its address may be shown."""

from pathlib import Path

import pytest

from orchestrator.errors import RepositoryError
from orchestrator.repository.addresses import without_credentials
from orchestrator.repository.repository import open_repository
from tests.git import git


@pytest.mark.parametrize(
    ("remotes", "meant"),
    [
        ((), None),
        (("origin",), "origin"),
        (("upstream",), "upstream"),
        (("fork", "origin"), "origin"),
    ],
)
def test_the_remote_is_origin_or_the_only_one(
    checkout: Path, remotes: tuple[str, ...], meant: str | None
) -> None:
    """Nothing has to be said where there is one remote, or one that is called origin, or none."""
    for name in remotes:
        git(checkout, "remote", "add", name, "https://git.example.org/shop.git")
    assert open_repository(checkout).remote() == meant


def test_several_remotes_have_to_be_chosen_from(checkout: Path) -> None:
    """With several remotes and no origin nothing is guessed."""
    for name in ("fork", "upstream"):
        git(checkout, "remote", "add", name, "https://git.example.org/shop.git")
    repository = open_repository(checkout)
    assert repository.remote("upstream") == "upstream"
    with pytest.raises(RepositoryError, match=r"several remotes \(fork, upstream\)") as refused:
        repository.remote()
    assert "ledger: {remote: NAME}" in refused.value.hint


def test_a_remote_that_is_not_there_is_named(checkout: Path) -> None:
    """A wrong name is refused, with the nearest one there is."""
    git(checkout, "remote", "add", "upstream", "https://git.example.org/shop.git")
    with pytest.raises(RepositoryError, match="has no remote upstraem") as refused:
        open_repository(checkout).remote("upstraem")
    assert refused.value.hint == "did you mean upstream?"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://git.example.org/shop.git", "https://git.example.org/shop.git"),
        ("https://ada:s3cret@git.example.org/shop", "https://git.example.org/shop"),
        ("https://token@git.example.org/shop", "https://git.example.org/shop"),
        ("https://ada:with@sign@git.example.org/shop", "https://git.example.org/shop"),
        ("'ssh://git:pw@host:22/x' and 'http://u:p@h/y'", "'ssh://host:22/x' and 'http://h/y'"),
        ("https://h/x?private_token=abc&page=2", "https://h/x?private_token=(sensitive)&page=2"),
        ("git@git.example.org:shop.git", "git@git.example.org:shop.git"),
        (
            "mail ada@example.org, see https://h/path/@scope",
            "mail ada@example.org, see https://h/path/@scope",
        ),
    ],
)
def test_addresses_are_shown_without_credentials(text: str, shown: str) -> None:
    """User, password and tokens are taken out; what is no credential stays."""
    assert without_credentials(text) == shown

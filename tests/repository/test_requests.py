"""Where a request is opened: as the forge said when it was pushed to, else as its address tells."""

import pytest

from orchestrator.repository.requests import request_address

GITLAB = "https://gitlab.example.com/acme/platform/shop/-/merge_requests/new"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("git@github.com:acme/shop.git", "https://github.com/acme/shop/compare/main...rollback/a%23b?expand=1"),
        ("https://me:secret@github.com/acme/shop", "https://github.com/acme/shop/compare/main...rollback/a%23b?expand=1"),
        (
            "ssh://git@gitlab.example.com:2222/acme/platform/shop.git",
            f"{GITLAB}?merge_request%5Bsource_branch%5D=rollback%2Fa%23b&merge_request%5Btarget_branch%5D=main",
        ),
        ("http://gitea.local:3000/acme/shop.git", "http://gitea.local:3000/acme/shop/compare/main...rollback/a%23b"),
        ("https://codeberg.org/acme/shop.git", "https://codeberg.org/acme/shop/compare/main...rollback/a%23b"),
        ("https://git.example.com/acme/shop.git", ""),
        ("file:///srv/git/shop.git", ""),
        ("/srv/git/shop.git", ""),
    ],
)  # fmt: skip
def test_an_address_that_names_its_forge_tells_the_page(address: str, told: str) -> None:
    """Never with credentials; a name that says nothing is not guessed at."""
    assert request_address("", address, base="main", branch="rollback/a#b") == told


@pytest.mark.parametrize(
    "said",
    [
        "remote: Create a pull request for 'b' on GitHub by visiting:\nremote:      https://h/a/s/pull/new/b\n",
        "remote: To create a merge request for b, visit:\nremote:   https://h/a/s/-/merge_requests/new?x=b\n",
        "remote: \nremote: Create a new pull request for 'b':\nremote:   https://h/a/s/compare/main...b\n",
    ],
)
def test_what_the_forge_said_counts_before_its_address(said: str) -> None:
    """It knows where it is, whatever the remote is called; other addresses that it names are passed over."""
    advert = "remote: See https://h/news for news\n"
    told = request_address(advert + said, "git@host:a/s.git", base="main", branch="b")
    assert told.startswith("https://h/a/s/")
    assert request_address(advert, "git@host:a/s.git", base="main", branch="b") == ""

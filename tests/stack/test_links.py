"""Where paths of a repository lead by its links."""

from pathlib import Path

import pytest

from orchestrator.stack.links import MOST, Trail, leads_out, links_below, trail, trails

_LINKS = {
    "stacks/shop": "../apps/shop",
    "apps/shop/web/one.yaml": "../../../shared/./one.yaml",
    "shared/one.yaml": "../texts/one.yaml",
    "out": "../elsewhere",
    "apps/out": "../../elsewhere/texts",
    "absolute": "/etc",
    "back": "../repository/shared",
    "config": ".git/config",
    "loop": "loop",
    "root": ".",
    "nowhere": "not/there",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a repository with links; what they lead to need not be there."""
    for place, target in _LINKS.items():
        path = tmp_path / "repository" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    return tmp_path / "repository"


@pytest.mark.parametrize(
    ("path", "links", "end"),
    [
        ("apps/shop/stack.yaml", (), "apps/shop/stack.yaml"),
        ("stacks/shop", ("stacks/shop",), "apps/shop"),
        ("stacks/shop/stack.yaml", ("stacks/shop",), "apps/shop/stack.yaml"),
        (
            "stacks/shop/web/one.yaml",
            ("stacks/shop", "apps/shop/web/one.yaml", "shared/one.yaml"),
            "texts/one.yaml",
        ),
        ("root/stacks/../shared/two.yaml", ("root",), "shared/two.yaml"),
        ("stacks/shop/../two", ("stacks/shop",), "apps/two"),
        ("nowhere/at/all", ("nowhere",), "not/there/at/all"),
        ("root", ("root",), ""),
        ("", (), ""),
    ],
)
def test_a_path_is_followed_from_link_to_link(
    root: Path, path: str, links: tuple[str, ...], end: str
) -> None:
    """Each link on the way is told, those of directories too, and what is there in the end."""
    assert trail(root, path) == Trail(links=links, end=end)
    assert (root / path).resolve() == (root / end).resolve()


@pytest.mark.parametrize(
    "path",
    [
        "out",
        "out/x",
        "apps/out/x",
        "absolute/passwd",
        "back/one.yaml",
        "config",
        "loop",
        "../x",
        "/etc",
    ],
)
def test_what_leads_out_has_no_end(root: Path, path: str) -> None:
    """Neither has what comes back, which it does in one checkout alone, nor what Git keeps for itself."""
    assert trail(root, path).end is None
    assert leads_out(root, path)


def test_a_circle_is_told_from_what_leads_out(root: Path) -> None:
    """As many links as Linux follows are none, whatever stands behind the last one."""
    for number in range(MOST):
        (root / f"link{number}").symlink_to(f"link{number + 1}")
    (root / f"link{MOST}").mkdir()
    (root / f"link{MOST}" / "x").touch()
    (root / "one-more").symlink_to("link0")

    assert trail(root, "loop/x").circle
    assert trail(root, "link0/x").end == f"link{MOST}/x"
    assert (root / "link0/x").is_file()
    assert trail(root, "one-more").circle
    assert not trail(root, "out").circle


def test_many_files_are_followed_as_each_alone(root: Path) -> None:
    """However few times their folders are asked for."""
    files = [
        "stacks/shop/web/one.yaml",
        "stacks/shop/web/two.yaml",
        "shared/one.yaml",
        "out/x",
        "out",
    ]
    files += ["plain.yaml", "root/shared/one.yaml", "config/x", "loop/x"]

    assert dict(trails(root, files)) == {file: trail(root, file) for file in files}


def test_links_in_a_directory_are_found_however_deep(root: Path) -> None:
    """And what they lead to is not entered, or one that leads to what is above it would have no end."""
    (root / "apps/shop/web/deeper").mkdir()
    (root / "apps/shop/web/deeper/up").symlink_to("../..")

    assert sorted(links_below(root, "apps/shop")) == [
        "apps/shop/web/deeper/up",
        "apps/shop/web/one.yaml",
    ]
    assert list(links_below(root, "not/there")) == []

"""Where paths of a repository lead by its links."""

from pathlib import Path

import pytest

from orchestrator.stack.links import Trail, leads_out, trail

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

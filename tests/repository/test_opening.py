"""Where a repository is found, and the folder that we keep in it."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.errors import RepositoryError, StorageError, UsageError
from orchestrator.repository.repository import open_repository
from tests.git import commit_file, git, make_repository


def test_a_directory_below_the_root_opens_the_repository(checkout: Path) -> None:
    """The repository is looked for upwards, as Git does."""
    below = checkout / "stacks" / "shop"
    below.mkdir(parents=True)
    assert open_repository(below).root == checkout


@pytest.mark.parametrize("place", [".", "not/there"])
def test_outside_a_repository_is_a_wrong_call(tmp_path: Path, place: str) -> None:
    """Without a repository there is nothing to work on, and the hint says how to get one."""
    with pytest.raises(UsageError, match="no Git repository at") as refused:
        open_repository(tmp_path / place)
    assert "git init" in refused.value.hint


def test_a_bare_repository_has_no_files(tmp_path: Path) -> None:
    """A repository without a working tree is refused by that name."""
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    with pytest.raises(UsageError, match="is a bare repository"):
        open_repository(tmp_path / "bare.git")


def test_a_linked_work_tree_is_a_repository(checkout: Path, tmp_path: Path) -> None:
    """A linked work tree has its own files and commit, and shares the folder of the main one."""
    git(checkout, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    commit = commit_file(tmp_path / "side", "side.txt", "here\n")
    linked = open_repository(tmp_path / "side")
    assert linked.root == tmp_path / "side"
    assert linked.working_revision().commit == commit
    assert linked.folder == checkout / ".orchestrator"
    assert (linked.export(linked.working_revision()) / "side.txt").is_file()


def test_a_work_tree_of_a_bare_repository_is_a_repository(checkout: Path, tmp_path: Path) -> None:
    """Where the shared repository is bare, each work tree has a folder of its own."""
    git(tmp_path, "clone", "--quiet", "--bare", str(checkout), "bare.git")
    git(tmp_path / "bare.git", "worktree", "add", "--quiet", str(tmp_path / "main"), "main")
    opened = open_repository(tmp_path / "main")
    assert opened.working_revision().commit == git(checkout, "rev-parse", "HEAD")
    assert opened.folder == tmp_path / "main" / ".orchestrator"


def test_a_submodule_is_a_repository(checkout: Path, tmp_path: Path) -> None:
    """Inside a submodule the submodule is what is worked on."""
    library = make_repository(tmp_path / "library")
    git(checkout, "submodule", "--quiet", "add", library.as_uri(), "library")
    opened = open_repository(checkout / "library")
    assert opened.root == checkout / "library"
    assert not opened.working_revision().dirty
    assert opened.folder == checkout / "library" / ".orchestrator"


def test_variables_of_a_hook_do_not_lead_astray(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git sets variables for its hooks; the directory at hand decides all the same."""
    other = make_repository(tmp_path / "other")
    commit = commit_file(other, "more.txt", "more\n")
    monkeypatch.setenv("GIT_DIR", str(checkout / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(checkout))
    monkeypatch.setenv("GIT_INDEX_FILE", str(checkout / ".git" / "index.temporary"))
    opened = open_repository(other)
    assert opened.root == other
    assert opened.working_revision().commit == commit
    assert not opened.working_revision().dirty


def test_a_repository_of_somebody_else_is_explained(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Git refuses because of the owner, the hint is the command that trusts the directory."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(RepositoryError, match="belongs to another user") as refused:
        open_repository(checkout).working_revision()
    assert refused.value.hint.endswith(f"git config --global --add safe.directory {checkout}")


def test_without_git_the_message_says_so(checkout: Path, tmp_path: Path) -> None:
    """A machine without Git gets a message with a hint, not a traceback of a library."""
    program = (
        "import sys; from pathlib import Path\n"
        "from orchestrator.errors import RepositoryError\n"
        "from orchestrator.repository.repository import open_repository\n"
        "try: open_repository(Path(sys.argv[1]))\n"
        "except RepositoryError as error: print(error.message, '|', error.hint)\n"
    )
    done = subprocess.run(
        (sys.executable, "-c", program, str(checkout)),
        env={"PATH": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.startswith("git cannot be run | install Git")


def test_the_folder_is_private_and_ignores_itself(checkout: Path) -> None:
    """Our folder may hold state and secrets: only its owner reads it, and Git never sees it."""
    opened = open_repository(checkout)
    assert opened.folder == checkout / ".orchestrator"
    (opened.folder / "state").write_text("secret", encoding="utf-8")
    assert stat.S_IMODE(opened.folder.stat().st_mode) == 0o700
    assert git(checkout, "status", "--porcelain", "--untracked-files=all") == ""


def test_a_folder_that_others_could_read_is_closed(checkout: Path) -> None:
    """A folder that was made with wider permissions is narrowed on first use."""
    (checkout / ".orchestrator").mkdir(mode=0o755)
    assert stat.S_IMODE(open_repository(checkout).folder.stat().st_mode) == 0o700


def test_a_folder_that_leads_elsewhere_is_refused(checkout: Path, tmp_path: Path) -> None:
    """A committed symbolic link must not make us write outside of the repository."""
    (tmp_path / "elsewhere").mkdir()
    (checkout / ".orchestrator").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="is a symbolic link"):
        _ = open_repository(checkout).folder
    assert not any((tmp_path / "elsewhere").iterdir())


def test_a_file_in_place_of_the_folder_is_explained(checkout: Path) -> None:
    """What stands in the way of our folder is named."""
    (checkout / ".orchestrator").write_text("in the way", encoding="utf-8")
    with pytest.raises(StorageError, match=r"cannot write below .*\.orchestrator"):
        _ = open_repository(checkout).folder

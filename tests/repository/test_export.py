"""Private copies of a revision's files, and of a dirty working tree's."""

import os
import resource
import select
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError, RepositoryError, StorageError
from orchestrator.plans.plan import Revision
from orchestrator.repository.repository import open_repository
from tests.git import commit_file, git

ROOT = Path(__file__).parents[2]
EXPORT = (
    "import sys; from pathlib import Path\n"
    "from orchestrator.errors import OrchestratorError\n"
    "from orchestrator.repository.repository import open_repository\n"
    "repository = open_repository(Path(sys.argv[1]))\n"
    "try: print(repository.export(repository.working_revision()), flush=True)\n"
    "except OrchestratorError as error: sys.exit(f'{type(error).__name__}: {error.message}')\n"
)


def test_a_revision_is_written_whole(checkout: Path) -> None:
    """All files of the commit are there with their content, links and executable bits, and nothing else."""
    _fill(checkout)
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "Fill it")
    repository = open_repository(checkout)
    tree = repository.export(repository.revision())
    assert _listing(tree) == _listing(checkout)
    assert not (tree / ".git").exists()


def test_what_archives_leave_out_is_there(checkout: Path) -> None:
    """Attributes for archives change nothing: a module needs all its files, as they are."""
    (checkout / "version.tf").write_text("# $Format:%H$\n", encoding="utf-8")
    commit_file(checkout, ".gitattributes", "README.md export-ignore\nversion.tf export-subst\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "Attributes")
    tree = open_repository(checkout).export(open_repository(checkout).revision())
    assert (tree / "README.md").is_file()
    assert (tree / "version.tf").read_text(encoding="utf-8") == "# $Format:%H$\n"


def test_a_sparse_checkout_is_written_whole(checkout: Path) -> None:
    """Files that a sparse checkout leaves out belong to the revision, clean or dirty."""
    commit_file(checkout, "modules/network/main.tf", "# network\n")
    git(checkout, "sparse-checkout", "set", "--no-cone", "/README.md")
    assert not (checkout / "modules").exists()
    repository = open_repository(checkout)
    clean = repository.working_revision()
    (checkout / "untracked").touch()
    dirty = repository.working_revision()
    assert [clean.dirty, dirty.dirty] == [False, True]
    for revision in (clean, dirty):
        assert (repository.export(revision) / "modules/network/main.tf").is_file()


def _staged_then_changed(root: Path) -> None:
    (root / "main.tf").write_text("staged", encoding="utf-8")
    git(root, "add", "main.tf")
    (root / "main.tf").write_text("as it lies there", encoding="utf-8")


def _link_for(name: str) -> Callable[[Path], object]:
    def change(root: Path) -> None:
        (root / name).unlink()
        (root / name).symlink_to("/nowhere")

    return change


def _directory_for_file(root: Path) -> None:
    (root / "main.tf").unlink()
    (root / "main.tf").mkdir()
    (root / "main.tf" / "inner").write_text("inside", encoding="utf-8")


def _file_for_directory(root: Path) -> None:
    git(root, "rm", "-r", "--quiet", "modules")
    (root / "modules").write_text("a file now", encoding="utf-8")


def _link_for_directory(root: Path) -> None:
    (root / "modules").rename(root / "renamed")
    (root / "modules").symlink_to("renamed")


DIRT: dict[str, Callable[[Path], object]] = {
    "changed": lambda root: (root / "main.tf").write_text("changed", encoding="utf-8"),
    "staged, then changed": _staged_then_changed,
    "deleted": lambda root: (root / "main.tf").unlink(),
    "the last file of a directory deleted": lambda root: (
        root / "modules/network/main.tf"
    ).unlink(),
    "removed from the index alone": lambda root: git(root, "rm", "--cached", "-q", "main.tf"),
    "renamed": lambda root: git(root, "mv", "main.tf", "other.tf"),
    "untracked": lambda root: (root / "new file").write_text("new", encoding="utf-8"),
    "executable": lambda root: (root / "main.tf").chmod(0o755),
    "no longer executable": lambda root: (root / "run.sh").chmod(0o644),
    "another link": _link_for("link"),
    "a link instead of a file": _link_for("main.tf"),
    "a directory instead of a file": _directory_for_file,
    "a file instead of a directory": _file_for_directory,
    "a link instead of a directory": _link_for_directory,
}


@pytest.mark.parametrize("change", DIRT.values(), ids=DIRT.keys())
def test_a_dirty_tree_is_written_as_it_lies_there(
    checkout: Path, change: Callable[[Path], object]
) -> None:
    """The copy holds what Git names of the working tree: changed and untracked files, no ignored ones."""
    _fill(checkout)
    commit_file(checkout, ".gitignore", "*.log\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "Fill it")
    change(checkout)
    repository = open_repository(checkout)
    tree = repository.export(repository.working_revision())
    (checkout / "debug.log").touch()
    assert _listing(tree) == {
        path: held for path, held in _listing(checkout).items() if path != "debug.log"
    }


def test_a_tree_that_changed_meanwhile_is_refused(checkout: Path) -> None:
    """What was looked at is what is copied: an edit in between is an error, and leaves nothing behind."""
    repository = open_repository(checkout)
    (checkout / "README.md").write_text("first", encoding="utf-8")
    revision = repository.working_revision()
    (checkout / "README.md").write_text("second", encoding="utf-8")
    with pytest.raises(RepositoryError, match="changed while it was read"):
        repository.export(revision)
    assert list((repository.folder / "trees").iterdir()) == []


def test_a_commit_meanwhile_is_refused(checkout: Path) -> None:
    """A dirty revision belongs to its commit: after another commit it cannot be read any more."""
    repository = open_repository(checkout)
    (checkout / "README.md").write_text("first", encoding="utf-8")
    revision = repository.working_revision()
    commit_file(checkout, "other.txt", "other\n")
    assert repository.working_revision().difference == revision.difference
    with pytest.raises(RepositoryError, match="changed while it was read"):
        repository.export(revision)


def test_a_revision_that_is_gone_is_explained(checkout: Path) -> None:
    """A commit that this repository does not have cannot be written."""
    with pytest.raises(RepositoryError, match="there is no revision 1111"):
        open_repository(checkout).export(Revision(commit="1" * 40))


def test_a_second_export_is_the_same_tree(checkout: Path) -> None:
    """A copy is made once for each content, also over several runs, and left as it is afterwards."""
    first, second = open_repository(checkout), open_repository(checkout)
    tree = first.export(first.working_revision())
    (tree / "made by a module.zip").touch()
    assert second.export(second.working_revision()) == tree
    assert (tree / "made by a module.zip").exists()


def test_the_user_sees_nothing_of_it(checkout: Path) -> None:
    """Index, branches and status of the checkout stay as they were."""
    before = (git(checkout, "status", "--porcelain=v2", "--branch"), git(checkout, "for-each-ref"))
    repository = open_repository(checkout)
    repository.export(repository.working_revision())
    assert before == (
        git(checkout, "status", "--porcelain=v2", "--branch"),
        git(checkout, "for-each-ref"),
    )


def test_hooks_of_the_user_do_not_run(checkout: Path, tmp_path: Path) -> None:
    """Writing a private tree is no checkout of the user's, and none of the hooks is told of it."""
    for name in ("post-checkout", "post-index-change", "reference-transaction"):
        hook = checkout / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch '{tmp_path}/{name}.ran'\n", encoding="utf-8")
        hook.chmod(0o755)
    repository = open_repository(checkout)
    repository.export(repository.revision())
    assert list(tmp_path.glob("*.ran")) == []


def test_two_processes_share_one_tree(checkout: Path) -> None:
    """Two runs that start at once end up with the same whole tree."""
    _fill(checkout)
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda _: _export_in_a_process(checkout), range(4)))
    assert {result.returncode for result in done} == {0}
    (tree,) = {result.stdout.strip() for result in done}
    assert _listing(Path(tree)) == _listing(checkout)
    assert _left_over(checkout) == []


def test_few_trees_are_kept(checkout: Path) -> None:
    """Trees that nobody used for longest are removed, so that a repository does not fill the disk."""
    trees = [_export_change(checkout, number) for number in range(8)]
    assert [tree.exists() for tree in trees] == [False] * 3 + [True] * 5


def test_a_tree_in_use_is_kept(checkout: Path) -> None:
    """A tree that some run still works with outlives any number of newer ones."""
    user = open_repository(checkout)
    used = user.export(user.working_revision())
    os.utime(used.with_name(f"{used.name}.lock"), (0, 0))
    for number in range(8):
        _export_change(checkout, number)
    assert used.is_dir()
    assert user.export(user.revision(user.revision("HEAD~8").commit)) == used


def test_a_tree_of_an_earlier_boot_is_written_again(checkout: Path) -> None:
    """After a crash of the machine files may be empty, so that an older copy is not believed."""
    first = open_repository(checkout)
    tree = first.export(first.working_revision())
    (tree / "README.md").write_text("", encoding="utf-8")
    del first
    (lock,) = tree.parent.glob("*.lock")
    lock.write_text("another boot", encoding="utf-8")
    again = open_repository(checkout)
    assert again.export(again.working_revision()) == tree
    assert (tree / "README.md").read_text(encoding="utf-8") == "a project\n"


def test_an_interrupted_export_leaves_nothing(checkout: Path, tmp_path: Path) -> None:
    """A run that is interrupted in the middle of writing takes the half-written tree with it."""
    with _stuck_export(checkout, tmp_path) as process:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        assert list((checkout / ".orchestrator/trees").iterdir()) == []


@pytest.mark.parametrize("another", [False, True], ids=["of the same revision", "of another one"])
def test_a_killed_export_is_cleaned_up_by_the_next(
    checkout: Path, tmp_path: Path, *, another: bool
) -> None:
    """What a killed run leaves half-written is never taken for a tree, and the next run removes it."""
    with _stuck_export(checkout, tmp_path) as process:
        process.kill()
        process.wait(timeout=30)
        assert _left_over(checkout) != []
        git(checkout, "config", "--unset", "filter.stuck.smudge")
        if another:
            commit_file(checkout, "other.txt", "other\n")
        done = _export_in_a_process(checkout)
        assert (Path(done.stdout.strip()) / "stuck.txt").read_text(encoding="utf-8") == "content"
        assert _left_over(checkout) == []


def test_a_file_that_cannot_be_written_whole_is_a_storage_error(checkout: Path) -> None:
    """When the system refuses to write on, the message says so and no tree is left."""
    (checkout / "large").write_bytes(b"x" * 200_000)
    limited = _export_in_a_process(checkout, limit=100_000)
    assert "StorageError: cannot write below" in limited.stderr
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "Make it large")
    limited = _export_in_a_process(checkout, limit=100_000)
    assert "StorageError: the disk is full" in limited.stderr
    assert list((checkout / ".orchestrator/trees").iterdir()) == []


def test_five_thousand_files_are_not_written_a_second_time(checkout: Path) -> None:
    """Cost follows change: an unchanged tree is found, however large it is, and nothing of it is read again."""
    blob = git(checkout, "hash-object", "-w", "--stdin", stdin="content\n")
    listing = "".join(f"100644 blob {blob}\tfile-{number}\n" for number in range(5000))
    tree_id = git(checkout, "mktree", stdin=listing)
    commit = git(checkout, "commit-tree", "-m", "Make it large", tree_id)
    first, second = open_repository(checkout), open_repository(checkout)
    revision = first.revision(commit)
    tree = first.export(revision)
    assert sum(1 for _ in tree.iterdir()) == 5000
    shutil.rmtree(checkout / ".git" / "objects")
    assert second.export(revision) == tree


def test_errors_keep_their_kind(checkout: Path) -> None:
    """An error of Git's own inside an export is not taken for a full disk."""
    git(checkout, "config", "filter.broken.smudge", "false")
    git(checkout, "config", "filter.broken.clean", "cat")
    git(checkout, "config", "filter.broken.required", "true")
    commit_file(checkout, ".gitattributes", "broken.txt filter=broken\n")
    commit_file(checkout, "broken.txt", "content")
    repository = open_repository(checkout)
    with pytest.raises(OrchestratorError, match=r"git read-tree failed: .*broken") as refused:
        repository.export(repository.revision())
    assert not isinstance(refused.value, StorageError)


def _fill(root: Path) -> None:
    (root / "modules/network").mkdir(parents=True)
    (root / "modules/network/main.tf").write_text("# network", encoding="utf-8")
    (root / "main.tf").write_text("original", encoding="utf-8")
    (root / "binary").write_bytes(bytes(range(256)))
    (root / "umlaut ü \t.txt").write_text("strange name", encoding="utf-8")
    (root / "run.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("main.tf")
    (root / "dangling").symlink_to("nowhere/at all")
    (root / "to a directory").symlink_to("modules")


def _listing(root: Path) -> dict[str, tuple[str, object]]:
    """Return what Git would see of a directory, path by path; empty directories do not count."""
    found: dict[str, tuple[str, object]] = {}
    for directory, directories, files in os.walk(root):
        directories[:] = [name for name in directories if name not in {".git", ".orchestrator"}]
        for name in (*files, *directories):
            path = Path(directory, name)
            if path.is_symlink():
                found[str(path.relative_to(root))] = ("link", str(path.readlink()))
            elif path.is_file():
                executable = bool(path.stat().st_mode & stat.S_IXUSR)
                found[str(path.relative_to(root))] = ("file", (executable, path.read_bytes()))
    return found


def _export_change(checkout: Path, number: int) -> Path:
    commit_file(checkout, "number.txt", f"{number}\n")
    repository = open_repository(checkout)
    tree = repository.export(repository.working_revision())
    lock = tree.with_name(f"{tree.name}.lock")
    os.utime(lock, (number, number))  # tests are quicker than clocks are fine
    return tree


def _export_in_a_process(
    checkout: Path, *, limit: int | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (sys.executable, "-c", EXPORT, str(checkout)),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        if limit
        else None,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _left_over(checkout: Path) -> list[Path]:
    return list((checkout / ".orchestrator/trees").glob(".building-*"))


@contextmanager
def _stuck_export(checkout: Path, directory: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run an export in a process of its own that is stuck in the middle of writing files."""
    commit_file(checkout, ".gitattributes", "stuck.txt filter=stuck\n")
    commit_file(checkout, "stuck.txt", "content")
    ready, gate = directory / "ready", directory / "gate"
    os.mkfifo(ready)
    os.mkfifo(gate)
    git(checkout, "config", "filter.stuck.clean", "cat")
    git(checkout, "config", "filter.stuck.smudge", f"cat; echo >'{ready}'; cat '{gate}'")
    process = subprocess.Popen(
        (sys.executable, "-c", EXPORT, str(checkout)), env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        with ready.open("r+b", buffering=0) as pipe:
            assert select.select([pipe], [], [], 30)[0], "the filter did not start"
        yield process
    finally:
        process.kill()
        process.wait()
        os.close(os.open(gate, os.O_RDWR))  # lets an orphaned filter end

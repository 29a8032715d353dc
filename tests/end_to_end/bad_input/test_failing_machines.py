"""A disk that is full, a folder that cannot be written, a remote that is down or refuses."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

import pytest

from orchestrator.ledger.entry import Kind
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.directory import DirectoryShelf
from orchestrator.plans.objects import Owner
from orchestrator.plans.plan import Revision
from tests.end_to_end.bad_input.shop import STACK, Shop
from tests.forked.command import ORCHESTRATOR
from tests.git import git, make_remote
from tests.ledger.builders import entry, holder, run

pytestmark = pytest.mark.integration

_APPLY = ("apply", "shop", "--yes")
# A file system of its own, which goes away with the process that has it.
_MOUNTED = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
_MOUNT = 'mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"'


def _with_folder(shop: Shop, options: str) -> Shop:
    """Return the shop with another file system under its private folder."""
    folder = shop.root / ".orchestrator"
    folder.mkdir()
    (folder / ".gitignore").write_text("*\n")
    shop.without_workloads()
    program = (*_MOUNTED, _MOUNT, "mount", options, str(folder), ORCHESTRATOR)
    tried = subprocess.run((*program, "--version"), capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {tried.stderr.strip()}")
    return replace(shop, program=program)


@pytest.mark.parametrize("kilobytes", [16, 40, 56, 72])
def test_the_disk_is_full(shop: Shop, kilobytes: int) -> None:
    """Whichever file is the one too many, of ours, of Git or of Terraform, it is the disk that is told."""
    full = _with_folder(shop, f"size={kilobytes}k")
    before = full.everything()

    ended = full.run(*_APPLY)

    assert ended.code == 1, ended.said
    assert re.search(
        r"^error: .*(no space left|disk is full|could not write)", ended.said, re.MULTILINE
    )
    assert re.search(r"^hint: .*(free some space|has room)", ended.said, re.MULTILINE)
    assert full.everything() == before


def test_the_folder_cannot_be_written(shop: Shop) -> None:
    """It is named, with the reason."""
    closed = _with_folder(shop, "ro")

    closed.refused("machines/read-only folder", *_APPLY)


def test_the_folder_is_a_file(shop: Shop) -> None:
    """Something else has its name."""
    shop.write(".orchestrator", "")
    shop.write(".gitignore", ".orchestrator\n")
    shop.without_workloads()

    shop.refused("machines/folder that is a file", *_APPLY)


def test_a_cache_that_cannot_be_written_costs_time_only(shop: Shop) -> None:
    """What can be made again is no reason to fail."""
    shop.without_workloads()
    broken = replace(shop, variables={"ORCHESTRATOR_CACHE": "/dev/null/cache"})

    assert broken.run("plan").code == 0


def test_the_ledger_is_of_another_repository(shop: Shop) -> None:
    """It has a stack of the same name, and both keep their ledgers in one directory."""
    folder = shop.home / "ledgers"
    folder.mkdir()
    owner = Owner(stack="shop", environment="default")
    store = ChainStore(owner, DirectoryShelf(folder, str(owner)), is_dead=lambda _holder: False)
    lock = store.acquire(holder())
    of = run(revision=Revision(commit="a" * 40))
    store.append(entry(1, Kind.FINISHED, of=of), lock=lock)
    store.release(lock)
    shop.edit(STACK, "cluster:", f"ledger: {{store: directory, path: {folder}}}\ncluster:")
    shop.without_workloads()

    shop.refused("machines/ledger of another repository", *_APPLY)


def test_the_ledger_is_among_the_files_of_the_repository(shop: Shop) -> None:
    """Each apply would change them, and a revert or checkout take the ledger back in time; ignored it is none."""
    (shop.root / "ledgers").mkdir()
    shop.edit(STACK, "cluster:", "ledger: {store: directory, path: ledgers}\ncluster:")
    shop.without_workloads()

    shop.refused("machines/ledger in the repository", *_APPLY)
    shop.write(".gitignore", "/ledgers/\n")
    assert shop.run("status").code == 0


def test_there_is_no_such_remote(shop: Shop) -> None:
    """A ledger that is to be pushed where nothing is known of."""
    shop.edit(STACK, "cluster:", "ledger: {remote: upstream}\ncluster:")
    shop.without_workloads()

    shop.refused("machines/no such remote", *_APPLY)


def test_a_remote_is_down(shop: Shop) -> None:
    """Nothing is applied that could not be recorded."""
    shop.without_workloads()
    git(shop.root, "remote", "add", "origin", (shop.home / "gone.git").as_uri())

    shop.refused("machines/remote that is down", *_APPLY)


def test_a_remote_refuses(shop: Shop) -> None:
    """A server that lets nobody push the ledger is told in its own words, before the first effect."""
    shop.without_workloads()
    remote = make_remote(shop.home / "shop.git", of=shop.root)
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'only releases may be pushed here' >&2\nexit 1\n")
    hook.chmod(0o700)
    before = git(remote, "for-each-ref")

    shop.refused("machines/remote that refuses", *_APPLY)

    assert git(remote, "for-each-ref") == before


def test_a_shallow_clone_lacks_the_revision_of_a_plan(shop: Shop) -> None:
    """What it has is enough to plan; an older revision has to be fetched first."""
    shop.without_workloads()
    assert shop.run("plan", "--out", str(shop.home / "shop.plan")).code == 0
    shop.commit()
    shallow = replace(shop, home=shop.home / "elsewhere")
    (shallow.home / "temporary").mkdir(parents=True)
    git(shop.root, "clone", "--quiet", "--depth=1", shop.root.as_uri(), str(shallow.root))
    git(shallow.root, "remote", "remove", "origin")

    assert shallow.run("plan").code == 0
    shallow.names.update({git(shop.root, "rev-parse", "HEAD~"): "COMMIT", str(shop.home): "~"})
    shallow.refused("machines/shallow clone", "apply", str(shop.home / "shop.plan"), "--yes")

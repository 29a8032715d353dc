"""Which providers are installed: lock files, mirrors and the plug-in cache. Nothing here runs one."""

import fcntl
import hashlib
import multiprocessing
import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import TerraformError
from orchestrator.infrastructure.layout.occupancy import occupied
from orchestrator.infrastructure.running.initialisation import initialise
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.plans.events import UnitProgress
from orchestrator.stack.model import UnitId
from tests.end_to_end.commands import eventually
from tests.infrastructure.ground import ECHO, Ground, logging_engine
from tests.infrastructure.mirror import ADDRESS, Mirror, requiring
from tests.infrastructure.test_interruption import gone

pytestmark = pytest.mark.integration


def initialised(ground: Ground) -> tuple[Workspace, set[str]]:
    """Initialise the module and return which versions of the provider are installed."""
    workspace = ground.workspace()
    with occupied(workspace):
        initialise(workspace)
    return workspace, {path.name for path in (workspace.data / "providers" / ADDRESS).iterdir()}


def locked(ground: Ground, constraint: str) -> str:
    """Return the lock file that the engine writes for a constraint."""
    ground.write("modules/echo/main.tf", requiring(constraint))
    elsewhere = replace(ground, site=replace(ground.site, environment="elsewhere"))
    workspace, _ = initialised(elsewhere)
    return (workspace.directory / ".terraform.lock.hcl").read_text()


def test_a_committed_lock_file_decides_the_version(mirrored: Ground) -> None:
    """The newest is not taken when Git says which one."""
    lock = locked(mirrored, "1.0.0").replace('constraints = "1.0.0"', 'constraints = "~> 1.0"')
    mirrored.write("modules/echo/main.tf", requiring("~> 1.0"))
    mirrored.write("modules/echo/.terraform.lock.hcl", lock)
    assert initialised(mirrored)[1] == {"1.0.0"}
    assert (mirrored.tree / "modules" / "echo" / ".terraform.lock.hcl").read_text() == lock


def test_without_one_the_choice_is_kept_on_this_machine(mirrored: Ground, mirror: Mirror) -> None:
    """What init chose first stays, until the module asks for something else."""
    mirrored.write("modules/echo/main.tf", requiring("~> 1.0"))
    assert initialised(mirrored)[1] == {"1.1.0"}
    mirror.add("1.2.0")
    assert initialised(mirrored)[1] == {"1.1.0"}
    mirrored.write("modules/echo/main.tf", requiring("= 1.0.0"))
    assert "1.0.0" in initialised(mirrored)[1]


def test_a_committed_lock_file_that_does_not_fit_is_not_changed(mirrored: Ground) -> None:
    """It is refused with a hint: whoever reviews the change is to see the new lock file."""
    mirrored.write("modules/echo/.terraform.lock.hcl", locked(mirrored, "1.0.0"))
    mirrored.write("modules/echo/main.tf", requiring("1.1.0"))
    with pytest.raises(TerraformError, match="init failed") as caught:
        initialised(mirrored)
    assert caught.value.hint.startswith("the committed .terraform.lock.hcl is honoured")


def test_a_provider_that_the_committed_lock_file_lacks_is_not_chosen_silently(
    mirrored: Ground,
) -> None:
    """A lock file that knows less than the module needs is refused, not completed behind everybody's back."""
    mirrored.write("modules/echo/.terraform.lock.hcl", "# nothing is locked here\n")
    mirrored.write("modules/echo/main.tf", requiring("~> 1.0"))
    with pytest.raises(TerraformError, match="provider dependency changes detected") as caught:
        initialised(mirrored)
    assert caught.value.hint.startswith("the committed .terraform.lock.hcl is honoured")


def test_a_changed_committed_lock_file_is_noticed(mirrored: Ground, tmp_path: Path) -> None:
    """A new one in Git means an initialisation, before the plan has to find out."""
    mirrored, log = logging_engine(mirrored, tmp_path)
    mirrored.write("modules/echo/main.tf", ECHO)
    mirrored.plan(mirrored.workspace(), {"text": "x"})
    mirrored.write("modules/echo/.terraform.lock.hcl", "# nothing is locked here\n")
    mirrored.plan(mirrored.workspace(), {"text": "x"})
    assert log.read_text().split() == ["init", "plan", "show"] * 2


def test_a_download_is_told_while_it_goes_on(mirrored: Ground) -> None:
    """Which provider is installed is told, since a large one takes minutes."""
    mirrored.write("modules/echo/main.tf", requiring("1.0.0"))
    with pytest.raises(TerraformError):
        mirrored.plan(mirrored.workspace())
    assert (
        UnitProgress(unit=UnitId("modules.echo"), text=f"Installing {ADDRESS} v1.0.0")
        in mirrored.events
    )


def test_a_shared_plugin_cache_works(mirrored: Ground, tmp_path: Path) -> None:
    """TF_PLUGIN_CACHE_DIR is passed on; the cache is filled by one unit at a time."""
    cache = tmp_path / "plugins"
    cache.mkdir()
    cached = mirrored.with_environment(TF_PLUGIN_CACHE_DIR=str(cache))
    cached.write("modules/echo/main.tf", requiring("1.0.0"))
    assert initialised(cached)[1] == {"1.0.0"}
    assert (cache / ADDRESS / "1.0.0").is_dir()
    assert (cache / ".orchestrator.lock").exists()


def test_a_provider_that_cannot_run_is_told(mirrored: Ground) -> None:
    """The provider that does not answer is named."""
    mirrored.write("modules/echo/main.tf", requiring("1.0.0"))
    with pytest.raises(
        TerraformError, match=r"failed to (load plugin schemas|read provider configuration schema)"
    ) as caught:
        mirrored.plan(mirrored.workspace())
    assert ADDRESS in caught.value.message + caught.value.detail


def test_a_provider_whose_engine_was_killed_goes_too(
    ground: Ground, mirror: Mirror, tmp_path: Path
) -> None:
    """It would hold connections, and go on changing things that nobody sees."""
    mirror.add(
        "3.0.0",
        f"echo $PPID $$ > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/started; exec sleep 600",
    )
    hanging = ground.with_environment(TF_CLI_CONFIG_FILE=str(mirror.configuration))
    using = requiring("3.0.0") + 'resource "nothing_here" "it" {}\n'
    ground.write("modules/echo/main.tf", using)
    pause = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(hanging.plan, hanging.workspace())
        while not (tmp_path / "started").exists():
            assert not running.done(), running.exception()
            pause.wait(0.02)
        engine, provider = map(int, (tmp_path / "started").read_text().split())
        os.kill(engine, signal.SIGKILL)
        error = running.exception(timeout=60)
    assert isinstance(error, TerraformError)
    (tmp_path / "pid").write_text(str(provider))
    assert gone(tmp_path)


@pytest.mark.parametrize("configured", ["environment", "file"])
def test_sixteen_units_fill_a_cold_cache_at_once(
    either: Ground, mirror: Mirror, tmp_path: Path, configured: str
) -> None:
    """All succeed, and every lock file fits the one package that all share."""
    mirror.pack("2.0.0", megabytes=8)
    cache = tmp_path / "plugins"
    cache.mkdir()
    variables = {"TF_CLI_CONFIG_FILE": str(mirror.configuration)}
    if configured == "environment":
        variables["TF_PLUGIN_CACHE_DIR"] = str(cache)
    else:
        text = mirror.configuration.read_text()
        mirror.configuration.write_text(f'plugin_cache_dir = "{cache}"\n{text}')
    many = either.with_environment(**variables)
    either.write("modules/echo/main.tf", requiring("2.0.0"))
    units = [many.workspace(f"echo{number}", "../../modules/echo") for number in range(16)]

    with ThreadPoolExecutor(len(units)) as pool:
        assert list(pool.map(begin, units)) == [None] * len(units)
    assert len(list(cache.rglob("terraform-provider-nothing*"))) == 1
    with ThreadPoolExecutor(4) as pool:  # checks the package against each lock file
        assert list(pool.map(begin, units)) == [None] * len(units)
    locks = {(unit.directory / ".terraform.lock.hcl").read_text() for unit in units}
    assert len(locks) == 1


def test_a_package_in_the_shared_cache_is_not_written_anew(
    either: Ground, mirror: Mirror, tmp_path: Path
) -> None:
    """Somebody may be running it: a unit that begins later, without a lock file, takes it as it is."""
    cached, package = shared(either, mirror, tmp_path)
    first, second = (cached.workspace(name, "../../modules/echo") for name in ("first", "second"))
    begin(first)
    (program,) = package.rglob("terraform-provider-nothing*")
    before = looks(program)
    begin(second)
    assert looks(program) == before
    assert installed(second) == program.read_bytes()


def test_a_lock_file_that_knows_the_shared_package_as_it_was_packed_alone(
    either: Ground, mirror: Mirror, tmp_path: Path
) -> None:
    """It is honoured, and the shared package stays as it is: Terraform makes a copy, OpenTofu compares."""
    cached, package = shared(either, mirror, tmp_path)
    first, program = begun(cached, package)
    before = looks(program)
    text = (first.directory / ".terraform.lock.hcl").read_text()
    packed = hashlib.sha256(mirror.packed("2.0.0").read_bytes()).hexdigest()
    known = re.sub(r'"h1:[^"]*"', f'"zh:{packed}"', text)
    cached.write("modules/echo/.terraform.lock.hcl", known)
    second = cached.workspace("second", "../../modules/echo")
    begin(second)
    assert looks(program) == before
    assert installed(second) == program.read_bytes()


def test_a_shared_package_that_is_not_what_the_lock_file_means_is_not_taken(
    either: Ground, mirror: Mirror, tmp_path: Path
) -> None:
    """The unit has a copy of its own, and the shared one, which others may be running, stays as it is."""
    cached, package = shared(either, mirror, tmp_path)
    first, program = begun(cached, package)
    meant = program.read_bytes()
    program.write_bytes(b"another build of this version")
    before = looks(program)
    lock = (first.directory / ".terraform.lock.hcl").read_text()
    cached.write("modules/echo/.terraform.lock.hcl", lock)
    second = cached.workspace("second", "../../modules/echo")
    begin(second)
    assert looks(program) == before
    assert installed(second) == meant


def test_what_an_engine_that_was_killed_left_in_the_shared_cache_is_not_taken(
    either: Ground, mirror: Mirror, tmp_path: Path
) -> None:
    """A half of a package looks like a whole one to a unit without a lock file: it goes, and what was there stays."""
    cached, package = shared(either, mirror, tmp_path)
    earlier = package / ADDRESS / "1.0.0" / "there" / "before"
    earlier.parent.mkdir(parents=True)
    earlier.touch()
    killed = dying_engine(cached, tmp_path, f'"{package}/{ADDRESS}"/2.0.0/*/terraform-provider-*')
    with pytest.raises(TerraformError, match="init failed"):
        begin(killed.workspace("first", "../../modules/echo"))
    assert not list(package.rglob("terraform-provider-nothing*"))
    second = cached.workspace("second", "../../modules/echo")
    begin(second)
    assert len(installed(second)) == 1024 * 1024
    assert earlier.exists()


def test_what_a_run_that_was_killed_left_in_the_shared_cache_is_not_taken(
    either: Ground, mirror: Mirror, tmp_path: Path
) -> None:
    """Nobody was there to clear up behind it: the next one to fill the cache does."""
    cached, package = shared(either, mirror, tmp_path)
    _, program = begun(cached, package)
    before = program.stat().st_ctime_ns - 1
    (package / ".orchestrator.filling").touch()
    os.utime(package / ".orchestrator.filling", ns=(before, before))
    program.write_bytes(b"half of it")
    second = cached.workspace("second", "../../modules/echo")
    begin(second)
    assert len(installed(second)) == 1024 * 1024


def test_an_engine_that_outlives_a_killed_run_has_the_shared_cache_to_itself(
    either: Ground, mirror: Mirror, tmp_path: Path
) -> None:
    """It goes on to fill it: whoever comes next waits for its end, and clears up behind the run that was killed."""
    cached, package = shared(either, mirror, tmp_path)
    slow = slow_engine(cached, tmp_path)
    run = multiprocessing.get_context("fork").Process(
        target=begin, args=(slow.workspace("first", "../../modules/echo"),)
    )
    run.start()
    eventually((tmp_path / "started").exists, "the engine to run")
    run.kill()
    run.join()
    with (package / ".orchestrator.lock").open() as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    (tmp_path / "go").touch()
    second = cached.workspace("second", "../../modules/echo")
    begin(second)
    assert len(installed(second)) == 1024 * 1024


def begin(workspace: Workspace) -> None:
    """Initialise a unit."""
    with occupied(workspace):
        initialise(workspace)


def begun(cached: Ground, package: Path) -> tuple[Workspace, Path]:
    """Initialise a first unit; return it, and the program that the shared cache has since then."""
    first = cached.workspace("first", "../../modules/echo")
    begin(first)
    (program,) = package.rglob("terraform-provider-nothing*")
    return first, program


def looks(program: Path) -> tuple[int, int, int]:
    """Return what changes when a file is written, in place or anew."""
    status = program.stat()
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def installed(workspace: Workspace) -> bytes:
    """Return the program that a unit would start as its provider."""
    folder = workspace.data / "providers" / ADDRESS / "2.0.0"
    (platform,) = folder.iterdir()
    (program,) = platform.resolve().iterdir()
    return program.read_bytes()


def dying_engine(ground: Ground, folder: Path, half: str) -> Ground:
    """Return the ground with an engine that is killed in its first command, which leaves a file that is cut off."""
    program = folder / "dying"
    quoted = " ".join(f"'{part}'" for part in ground.site.binary.argv)
    program.write_text(f'#!/bin/sh\n{quoted} "$@"\ntruncate -s 10 {half}\nkill -9 $$\n')
    program.chmod(0o755)
    binary = replace(ground.site.binary, argv=(str(program),))
    return replace(ground, site=replace(ground.site, binary=binary))


def slow_engine(ground: Ground, folder: Path) -> Ground:
    """Return the ground with an engine that says by ``started`` that it runs, and goes on once ``go`` is there."""
    program = folder / "slow"
    quoted = " ".join(f"'{part}'" for part in ground.site.binary.argv)
    wait = "i=0; while [ ! -e go ] && [ $i -lt 300 ]; do i=$((i+1)); sleep 0.1; done"
    program.write_text(f'#!/bin/sh\n(cd "{folder}"; touch started; {wait})\nexec {quoted} "$@"\n')
    program.chmod(0o755)
    binary = replace(ground.site.binary, argv=(str(program),))
    return replace(ground, site=replace(ground.site, binary=binary))


def shared(ground: Ground, mirror: Mirror, folder: Path) -> tuple[Ground, Path]:
    """Return a ground with a shared cache whose module needs what is packed in the mirror, and the cache."""
    mirror.pack("2.0.0", megabytes=1)
    cache = folder / "plugins"
    cache.mkdir()
    ground.write("modules/echo/main.tf", requiring("2.0.0"))
    return ground.with_environment(
        TF_CLI_CONFIG_FILE=str(mirror.configuration), TF_PLUGIN_CACHE_DIR=str(cache)
    ), cache

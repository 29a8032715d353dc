"""Building programs with Go: cached by content, one at a time, nothing half-written."""

import subprocess
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import Interrupted, SandboxError, StorageError
from orchestrator.processes import Stop
from orchestrator.sandbox.lock import exclusive
from orchestrator.sandbox.programs.build import CONTROL_PLANE, KWOK, Program, built, cached_binary
from orchestrator.sandbox.programs.toolchain import find_go
from orchestrator.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("sandbox_programs")]

_GREETING = 'package main\n\nfunc main() { println("hello") }\n'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with a cache of their own, and the Go that this machine's sandbox is built with."""
    real = Settings.read()
    go = find_go(real, on_progress=_ignore, stop=Stop()).program
    return replace(real, cache=tmp_path / "cache", search_path=f"{go.parent}:{real.search_path}")


_PARTS = 120


def _program(tmp_path: Path, source: str = _GREETING) -> Program:
    sources = tmp_path / "greeting"
    sources.mkdir()
    (sources / "go.mod").write_text("module example/greeting\n\ngo 1.24\n")
    (sources / "main.go").write_text(source)
    return Program(name="greeting", title="the greeting", sources=sources, package=".")


def _ignore(_: str) -> None:
    pass


def _leftovers(settings: Settings) -> list[str]:
    return sorted(path.name for path in (settings.cache / "sandbox").iterdir())


def test_a_build_is_cached_by_content(tmp_path: Path, settings: Settings) -> None:
    """A program is built once, without Go the next time, and again when its sources change."""
    program = _program(tmp_path)
    told: list[str] = []
    binary = built(program, settings, on_progress=told.append, stop=Stop())
    assert subprocess.run((binary,), capture_output=True, check=True).stderr == b"hello\n"
    assert told[0].startswith("building the greeting with Go 1.")
    assert told[-1].startswith("building the greeting: done, ")
    assert _leftovers(settings) == ["build.lock", binary.parent.name]
    assert [path.name for path in binary.parent.iterdir()] == ["greeting"]
    without_go = replace(settings, search_path="")
    assert built(program, without_go, on_progress=_ignore, stop=Stop()) == binary
    (program.sources / "main.go").write_text(_GREETING.replace("hello", "goodbye"))
    changed = built(program, settings, on_progress=_ignore, stop=Stop())
    assert changed != binary
    assert subprocess.run((changed,), capture_output=True, check=True).stderr == b"goodbye\n"


def test_a_failing_build_says_why(tmp_path: Path, settings: Settings) -> None:
    """The compiler's words are the detail of the error, and nothing half-written stays."""
    program = _program(tmp_path, _GREETING.replace("println", "print1n"))
    with pytest.raises(SandboxError, match="the build of the greeting failed") as caught:
        built(program, settings, on_progress=_ignore, stop=Stop())
    assert "undefined: print1n" in caught.value.detail
    assert _leftovers(settings) == ["build.lock"]


def test_a_cache_that_cannot_be_written(tmp_path: Path, settings: Settings) -> None:
    """A cache folder that cannot be made ends with a message that names it, and how to choose another."""
    program = _program(tmp_path)
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StorageError, match="cannot write in the cache") as caught:
        built(program, settings, on_progress=_ignore, stop=Stop())
    assert "ORCHESTRATOR_CACHE" in caught.value.hint


def test_a_second_build_waits(tmp_path: Path, settings: Settings) -> None:
    """While another process builds, a second build says so and waits; an interrupt ends the waiting."""
    program = _program(tmp_path)
    stop = Stop()
    told: list[str] = []

    def interrupt(text: str) -> None:
        told.append(text)
        stop.request()

    lock = settings.cache / "sandbox" / "build.lock"
    with (
        exclusive(lock, what="", on_progress=_ignore, stop=Stop()),
        pytest.raises(Interrupted, match="builds it"),
    ):
        built(program, settings, on_progress=interrupt, stop=stop)
    assert told[0].startswith("waiting: process ")
    assert built(program, settings, on_progress=_ignore, stop=Stop()).exists()


def test_an_interrupted_build_goes_on_later(tmp_path: Path, settings: Settings) -> None:
    """An interrupt ends Go, leaves nothing half-written, and what was compiled is not compiled again."""
    program = _program(tmp_path, _importing(_PARTS))
    for number in range(_PARTS):
        _write_package(program.sources / f"part{number}")
    stop = Stop()
    log = cached_binary(program, settings).parent.with_suffix(".partial") / "log"
    watcher = threading.Thread(target=_when_compiled, args=(log, stop.request), daemon=True)
    watcher.start()
    with pytest.raises(Interrupted) as caught:
        built(program, settings, on_progress=_ignore, stop=stop)
    assert caught.value.hint
    watcher.join()
    assert _leftovers(settings) == ["build.lock"]
    assert 0 < _left_to_compile(program, settings) < _PARTS
    assert built(program, settings, on_progress=_ignore, stop=Stop()).exists()


def _importing(count: int) -> str:
    imports = "".join(f'import _ "example/greeting/part{number}"\n' for number in range(count))
    return f"package main\n\n{imports}\nfunc main() {{}}\n"


def _write_package(folder: Path) -> None:
    """Write a package that nobody has compiled before, as it holds a number drawn for this run."""
    folder.mkdir()
    name = f"Name{uuid.uuid4().hex}"
    (folder / "part.go").write_text(f"package part\n\nfunc {name}() {{}}\n")


def _when_compiled(log: Path, act: Callable[[], None]) -> None:
    pause = threading.Event()
    while not (log.exists() and log.read_text().count("\nexample/greeting/part") > _PARTS // 4):
        pause.wait(0.002)
    act()


def _left_to_compile(program: Program, settings: Settings) -> int:
    go = find_go(settings, on_progress=_ignore, stop=Stop())
    arguments = ("list", "-buildvcs=false", "-trimpath", "-deps", "-f", "{{.Stale}}", ".")
    command = go.command(arguments, directory=program.sources)
    answer = subprocess.run(
        command.argv,
        cwd=command.directory,
        env=command.environment,
        capture_output=True,
        check=True,
    )
    return answer.stdout.split().count(b"true") - 1  # less the program itself


def test_the_programs_are_pinned() -> None:
    """The versions are pinned and checksummed: go.mod and go.sum are shipped with the package."""
    for program in (CONTROL_PLANE, KWOK):
        assert (program.sources / "go.mod").is_file()
        assert "h1:" in (program.sources / "go.sum").read_text()
        assert cached_binary(program, Settings.read()).is_file()

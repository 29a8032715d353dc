"""The workspace of one unit: where Terraform runs, keeps its plug-ins and finds its state."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator.errors import Place
from orchestrator.infrastructure.binary import Binary
from orchestrator.infrastructure.layout.overlay import Located
from orchestrator.infrastructure.reading.diagnostics import Diagnostic
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Limits, Stop
from orchestrator.settings import Settings
from orchestrator.stack.model import Json, State, Terraform, UnitId

INPUTS_FILE = "inputs.tfvars.json"
"""What the file with a unit's inputs is called; it has one on each line."""

# Of one command: the longest single creation of a cloud takes three hours.
_SECONDS_AT_MOST = 4 * 60 * 60.0
_INPUT = re.compile(r'^\s*"([^"]+)":')
_POSITION = re.compile(
    r"(?<![\w./-])([\w.-][\w./-]*\.(?:tf|tofu)(?:\.json)?):(\d+),\d+(?:-[\d,]+)?"
)
_OVERRIDE = "zzz_orchestrator_override.tf.json"  # the last override file in Terraform's order wins


def limits_of(terraform: Terraform) -> Limits:
    """Return how long a command may take, and how long it may save its state after an interrupt."""
    given = terraform.timeout
    return Limits(timeout=_SECONDS_AT_MOST if given is None else given, grace=60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What all units of one run share.

    ``folder`` is the repository's ``.orchestrator``; ``passes`` are names of environment variables that the
    stack passes on; ``lock_timeout`` is how long a locked state is waited for, in seconds; ``fetched`` fills
    with the sources that this run fetched; ``refresh`` says whether a plan looks at what really exists.
    """

    binary: Binary
    settings: Settings
    folder: Path
    stack: str
    environment: str
    stop: Stop
    secrets: Secrets
    passes: tuple[str, ...] = ()
    limits: Limits = field(default_factory=lambda: limits_of(Terraform()))
    lock_timeout: int = 30
    refresh: bool = True
    fetched: dict[str, Located] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleRequest:
    """Which module to work on: an address, where it is read from, and where its state is.

    ``tree`` is the root of the private copy of the revision, ``directory`` the stack file's directory in it;
    ``state`` holds no expressions any more. ``place`` is where the source is written, ``inputs`` where each
    input is.
    """

    unit: UnitId
    tree: Path
    directory: str
    source: str
    version: str = ""
    state: State
    place: Place | None = None
    inputs: Mapping[str, Place] = field(default_factory=dict)

    @property
    def local(self) -> bool:
        """Whether the source is a directory of the repository; Terraform draws the line there too."""
        return self.source in {".", ".."} or self.source.startswith(("./", "../"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One unit's place on disk; made by ``prepare`` and filled whenever Terraform runs in it.

    ``inputs`` says where each input is written; ``confided`` are texts and numbers that inputs read from sensitive
    outputs: a field that is one of them is masked, however short it is. ``scratch`` is a folder of its own for
    what a throw-away plan is made with; it has none otherwise.
    """

    unit: UnitId
    site: Site
    module: Located
    state: State
    inputs: Mapping[str, Place] = field(default_factory=dict)
    confided: frozenset[str] = field(default=frozenset(), repr=False)
    scratch: Path | None = None

    @property
    def home(self) -> Path:
        """Return the folder that holds all of this unit but its state."""
        return self._folder("units") / self._name

    @property
    def directory(self) -> Path:
        """Return the directory that Terraform runs in."""
        return self.home / "tree" / self.module.path

    @property
    def data(self) -> Path:
        """Return Terraform's own folder: plug-ins, fetched modules and the chosen backend."""
        return (self.scratch or self.home) / "data"

    @property
    def plans(self) -> Path:
        """Return the folder of saved plan files."""
        return self.home / "plans"

    @property
    def local_state(self) -> Path | None:
        """Return the state file, when state is kept in our own directory."""
        return self.own_state_file if self.state.backend == "local" else None

    @property
    def own_state_file(self) -> Path:
        """Return where the state file is, or would be, in our own directory."""
        return self._folder("state") / f"{self._name}.tfstate"

    @property
    def backend_config(self) -> Mapping[str, object]:
        """Return what the backend is given at initialisation."""
        return self.state.config if self.local_state is None else {"path": str(self.local_state)}

    @property
    def generated(self) -> Mapping[str, bytes]:
        """Return the files of ours beside the module's: the chosen backend, whatever the module says of its own."""
        backend: Json = {"terraform": {"backend": {self.state.backend: {}}}}
        return {_OVERRIDE: json.dumps(backend).encode()}

    def as_known(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a message with files named as people know them, and without secrets."""
        redact = self.site.secrets.redact
        if diagnostic.file.endswith(_OVERRIDE):
            diagnostic = self._placed_at_state(diagnostic)
        elif diagnostic.file.endswith(INPUTS_FILE):
            diagnostic = self.placed_at_input(diagnostic)
        else:
            diagnostic = replace(diagnostic, file=self.known_file(diagnostic.file))
        return replace(
            diagnostic,
            summary=redact(self._without_folder(diagnostic.summary)),
            detail=redact(
                _POSITION.sub(self._known_position, self._without_folder(diagnostic.detail))
            ),
            code=redact(diagnostic.code),
        )

    def known_file(self, name: str) -> str:
        """Return a file that Terraform names, relative to its directory, as a path in the repository."""
        if not name:
            return ""
        path = _normal(self.directory / name)
        with_home = _normal(self.home / "tree")
        if path.startswith(f"{with_home}/"):
            inside = path.removeprefix(f"{with_home}/")
            return f"{self.module.shown}//{inside}" if self.module.shown else inside
        return path.removeprefix(f"{_normal(self.data)}/")

    def _placed_at_state(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a message about our own file as one about what it is made from."""
        keys: tuple[tuple[str | int, ...], ...] = (("config",), ("backend",), ())
        places = (self.state.places[key] for key in keys if key in self.state.places)
        place = next(places, Place(file="", line=0, column=0))
        return replace(
            diagnostic, file=place.file, line=place.line, code=place.text, context="state"
        )

    def placed_at_input(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a message about our file of inputs, which has one on each line, as one about the stack file."""
        found = _INPUT.match(diagnostic.code)
        return self.placed_at(found[1] if found else "", diagnostic)

    def placed_at(self, name: str, diagnostic: Diagnostic) -> Diagnostic:
        """Return a message as one about an input, at its place in the stack file."""
        place = self.inputs.get(name, Place(file="", line=0, column=0))
        return replace(
            diagnostic, file=place.file, line=place.line, code=place.text, context=f"input {name}"
        )

    def _known_position(self, found: re.Match[str]) -> str:
        return f"{self.known_file(found[1])}:{found[2]}"

    def _without_folder(self, text: str) -> str:
        for folder in (self.home / "tree", self.module.tree):
            text = text.replace(f"{folder}/", "")
        return text

    def _folder(self, kind: str) -> Path:
        return self.site.folder / kind / self.site.stack / self.site.environment

    @property
    def _name(self) -> str:
        return self.unit.partition(".")[2] or self.unit


def _normal(path: Path) -> str:
    import os.path

    return os.path.normpath(path)

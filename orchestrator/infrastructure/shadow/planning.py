"""Planning a module before what it waits for is known: the edge that lays the shadow out and runs Terraform in it."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator.infrastructure.layout.occupancy import occupied
from orchestrator.infrastructure.layout.overlay import place
from orchestrator.infrastructure.layout.private import make_private, write_private
from orchestrator.infrastructure.outputs import with_nulls
from orchestrator.infrastructure.planning import (
    ModulePlan,
    learn_inputs,
    scratch,
    shown,
    warnings_of,
    write_variables,
)
from orchestrator.infrastructure.reading.diagnostics import (
    STALE_INITIALISATION,
    Diagnostic,
    failure,
    from_event,
    in_order,
)
from orchestrator.infrastructure.reading.fields import Document, Hides
from orchestrator.infrastructure.reading.hcl import Unreadable
from orchestrator.infrastructure.reading.plan import Reading, read_plan
from orchestrator.infrastructure.reading.shapes import Shape
from orchestrator.infrastructure.reading.state import read_state
from orchestrator.infrastructure.running.initialisation import initialise, initialise_on_need
from orchestrator.infrastructure.running.progress import Progress
from orchestrator.infrastructure.running.run import FLAG, Ended, arguments, capture, follow
from orchestrator.infrastructure.shadow.called import own_configuration, with_called
from orchestrator.infrastructure.shadow.messages import Reader
from orchestrator.infrastructure.shadow.origins import configured_from
from orchestrator.infrastructure.shadow.rewriting import CALL, OURS, UNMADE, Rewritten, rewrite
from orchestrator.infrastructure.shadow.unknowns import KNOWN, Arguments, explained, known_part
from orchestrator.infrastructure.states import captured, learn, local_snapshot
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.plans.events import Event
from orchestrator.stack.expressions import Tree, pending_in
from orchestrator.stack.model import Json

_CHANGES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplannable:
    """A module that cannot be planned before what it waits for is known, and why: half a sentence.

    ``state_stamp`` names the state that it has now.
    """

    why: str
    state_stamp: str = ""


def plan_shadow(
    workspace: Workspace,
    inputs: Mapping[str, Tree],
    *,
    behind: bool = False,
    on_event: Callable[[Event], None],
) -> ModulePlan | Unplannable:
    """Plan a module of whose inputs something is pending; there is never a plan file.

    ``behind`` says that something that it needs as a whole is still to be applied: its data sources wait for that.
    Raises TerraformError for what is wrong with the module or with what is known of its inputs, Interrupted,
    StorageError.
    """
    with occupied(workspace):
        local_snapshot(workspace)  # refuses a damaged one
        learn_inputs(workspace, {name: known_part(value) for name, value in inputs.items()})
        progress = Progress(workspace.unit, workspace.site.secrets, on_event)
        initialise_on_need(workspace, progress)
        pending = {name: value for name, value in inputs.items() if pending_in(value)}
        try:
            own = own_configuration(workspace)
            rewritten = rewrite(own, pending, behind=behind)
            modules = with_called(workspace, own)
            configured = configured_from(modules, pending, behind=behind)
        except (Unreadable, UnicodeDecodeError):
            why = "how it uses that could not be read from its files"
            return Unplannable(why=why, state_stamp=_stamp(_state(workspace)))
        shadow = _Shadow(workspace, inputs, rewritten, progress)
        return shadow.planned() if configured is None else shadow.unplanned(str(configured))


class _Shadow:
    """One throw-away plan."""

    def __init__(
        self,
        workspace: Workspace,
        inputs: Mapping[str, Tree],
        rewritten: Rewritten,
        progress: Progress,
    ) -> None:
        self._workspace = workspace
        self._pending = {name: value for name, value in inputs.items() if pending_in(value)}
        call = Arguments()
        self._given = {name: call.of(value) for name, value in self._pending.items()}
        known = {name: known_part(inputs[name]) for name in inputs if name not in self._pending}
        self._variables: dict[str, Json] = {**known, KNOWN: call.known}
        self._rewritten = rewritten
        self._progress = progress
        self._reader = Reader(workspace, rewritten)

    def planned(self) -> ModulePlan | Unplannable:
        """Plan the module, or tell why it cannot be planned."""
        content = _state(self._workspace)
        ended, plan = self._attempt(self._rewritten.files, content)
        if ended.code == 1 and any(
            one.summary in STALE_INITIALISATION for one in ended.diagnostics
        ):
            initialise(self._workspace, self._progress)
            ended, plan = self._attempt(self._rewritten.files, content)
        if plan is not None:
            return plan
        if ended.interrupted or ended.overran:
            raise self._progress.failed("plan", ended)
        return Unplannable(why=self._refused(ended), state_stamp=_stamp(content))

    def unplanned(self, why: str) -> Unplannable:
        """Leave the module for its turn, but for what is known of its inputs: that is looked at alone."""
        ended, _ = self._attempt(self._rewritten.alone, "")
        self._refuse_mistakes(ended)
        return Unplannable(why=why, state_stamp=_stamp(_state(self._workspace)))

    def _attempt(self, files: Mapping[str, str], content: str) -> tuple[Ended, ModulePlan | None]:
        with scratch(self._workspace) as folder, self._laid_out(folder, files) as workspace:
            plan_file = folder / "shadow.tfplan"
            argv = self._arguments(folder, plan_file, content)
            ended = follow(
                workspace, argv, journal=folder / "plan.jsonl", on_message=self._progress.take
            )
            ended = replace(ended, diagnostics=self._reader.understood(ended.diagnostics))
            # What is pending is to be created, so that there is always something.
            if ended.code != _CHANGES:
                return ended, None
            reading = shown(workspace, plan_file, self._read)
        told = (one for one in in_order(ended.diagnostics) if self._tells(one))
        return ended, ModulePlan(
            changes=reading.changes,
            unchanged=reading.unchanged,
            outputs=with_nulls(self._workspace, reading.outputs),
            warnings=warnings_of(self._workspace, reading, told),
            state_stamp=_stamp(content),
            drift=reading.drift,
        )

    def _arguments(self, folder: Path, plan_file: Path, content: str) -> tuple[str, ...]:
        state = folder / "shadow.tfstate"
        if content.strip():
            write_private(state, content)
        variables = write_variables(folder, self._variables)
        return arguments(
            self._workspace.site.binary,
            "plan",
            json=FLAG,
            input=False,
            detailed_exitcode=FLAG,
            lock=False,
            refresh=None if self._workspace.site.refresh else False,
            state=str(state),
            out=str(plan_file),
            var_file=[str(variables)],
        )

    @contextmanager
    def _laid_out(self, folder: Path, files: Mapping[str, str]) -> Iterator[Workspace]:
        """Lay the rewritten module out where the module is, and the module itself again afterwards.

        Its paths stay what they are in that way. Whoever comes after a process that was killed in between
        lays the module out anyway.
        """
        own = self._workspace
        _write_data(own, folder, self._rewritten)
        directory = own.directory
        try:
            for name in (*own.generated, *self._rewritten.files):
                (directory / name).unlink(missing_ok=True)
            for name, text in {**files, OURS: self._root()}.items():
                write_private(directory / name, text)
            yield replace(own, scratch=folder)
        finally:
            place(own.module, own.home, own.generated)

    def _root(self) -> str:
        document: Json = {
            "variable": {KNOWN: {"type": "any"}},
            "resource": {"terraform_data": {CALL: {}}},
            "module": {CALL: {"source": f"./{CALL}", **self._given}},
        }
        return json.dumps(document, indent=2) + "\n"

    def _read(self, document: Document, hides: Hides, shape_of: Callable[[str], Shape]) -> Reading:
        changes = document.get("resource_changes") or []
        theirs = {
            **document,
            "resource_changes": [change for change in changes if change["address"] != UNMADE],
        }
        reading = read_plan(theirs, hides, shape_of)
        return replace(reading, changes=explained(reading.changes, theirs, self._pending))

    def _tells(self, diagnostic: Diagnostic) -> bool:
        """Whether a message is a warning about the module, and not about how we call it."""
        return (
            diagnostic.warning and not diagnostic.undecided and "-state" not in diagnostic.summary
        )

    def _refused(self, ended: Ended) -> str:
        """Return why a plan of the module was refused; raises TerraformError when its turn would not help."""
        self._refuse_mistakes(ended)
        uncounted = self._reader.uncounted(ended.diagnostics)
        if uncounted:
            return uncounted
        _refuse_invalid(self._workspace)
        return self._reader.told(ended)

    def _refuse_mistakes(self, ended: Ended) -> None:
        """Raise TerraformError for a value that is known and wrong, whatever the others turn out to be."""
        mistakes = self._reader.mistakes(ended.diagnostics)
        if mistakes:
            raise failure(self._workspace.unit, "plan", mistakes)


def _refuse_invalid(workspace: Workspace) -> None:
    """Raise TerraformError for what is wrong with a module whatever its inputs are."""
    argv = arguments(workspace.site.binary, "validate", json=FLAG)
    ended = capture(workspace, argv)
    told: list[dict[str, Any]] = []
    with suppress(ValueError):
        told = json.loads(ended.stdout).get("diagnostics") or []
    found = [workspace.as_known(from_event(one)) for one in told]
    if any(not one.warning for one in found):
        raise failure(workspace.unit, "plan", found, output=ended.stderr)


def _write_data(workspace: Workspace, folder: Path, rewritten: Rewritten) -> None:
    """Make Terraform's own folder: the unit's plug-ins and modules, and ours beside them."""
    data, declarations = folder / "data", folder / CALL
    for name, text in rewritten.declarations.items():
        write_private(make_private(declarations) / name, text)
    marked = rewritten.outputs()
    outputs: Json = {"output": marked} if marked else {}
    write_private(make_private(declarations) / "outputs.tf.json", json.dumps(outputs))
    record = make_private(data / "modules") / "modules.json"
    known: dict[str, Any] = {"Modules": [{"Key": "", "Source": "", "Dir": "."}]}
    with suppress(OSError, ValueError):
        known = json.loads((workspace.data / "modules" / "modules.json").read_text())
    entry = {"Key": CALL, "Source": f"./{CALL}", "Dir": str(declarations)}
    write_private(record, json.dumps({"Modules": [*known["Modules"], entry]}))
    (data / "providers").symlink_to(workspace.data / "providers")
    with suppress(OSError):
        write_private(data / "environment", (workspace.data / "environment").read_text())


def _state(workspace: Workspace) -> str:
    """Return the state as it is now, decrypted, its secrets learnt; empty when there is none."""
    snapshot = local_snapshot(workspace)
    if snapshot is not None and snapshot.readable and workspace.local_state is not None:
        with suppress(FileNotFoundError):
            return workspace.local_state.read_text(encoding="utf-8")
        return ""
    argv = arguments(workspace.site.binary, "state pull")
    content = captured(workspace, argv, doing="reading the state")
    if content.strip():
        learn(workspace, read_state(content.encode()))
    return content


def _stamp(content: str) -> str:
    return read_state(content.encode()).stamp if content.strip() else ""

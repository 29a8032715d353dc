"""Planning a module before what it waits for is known: the edge that lays the shadow out and runs Terraform in it."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator.infrastructure.layout.occupancy import occupied
from orchestrator.infrastructure.layout.overlay import CONFIGURATION, place
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
    sentence,
)
from orchestrator.infrastructure.reading.fields import Document, Hides
from orchestrator.infrastructure.reading.hcl import Unreadable
from orchestrator.infrastructure.reading.plan import Reading, read_plan
from orchestrator.infrastructure.reading.state import read_state
from orchestrator.infrastructure.running.initialisation import initialise, initialise_on_need
from orchestrator.infrastructure.running.progress import Progress
from orchestrator.infrastructure.running.run import FLAG, Ended, arguments, capture, follow
from orchestrator.infrastructure.shadow.rewriting import CALL, INSTEAD, Rewritten, rewrite
from orchestrator.infrastructure.shadow.unknowns import KNOWN, Arguments, explained, known_part
from orchestrator.infrastructure.states import captured, learn, local_snapshot
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.plans.events import Event
from orchestrator.stack.expressions import Tree, pending_in
from orchestrator.stack.model import Json

_OURS = f"zzz_{CALL}.tf.json"
_CHANGES = 2
_COUNTED = {"Invalid count argument": "count", "Invalid for_each argument": "for_each"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplannable:
    """A module that cannot be planned before what it waits for is known, and why: half a sentence."""

    why: str


def plan_shadow(
    workspace: Workspace, inputs: Mapping[str, Tree], *, on_event: Callable[[Event], None]
) -> ModulePlan | Unplannable:
    """Plan a module of whose inputs something is pending; there is never a plan file.

    Raises TerraformError for what is wrong with the module whatever the inputs are, Interrupted, StorageError.
    """
    with occupied(workspace):
        local_snapshot(workspace)  # refuses a damaged one
        learn_inputs(workspace, {name: known_part(value) for name, value in inputs.items()})
        pending = {name: value for name, value in inputs.items() if pending_in(value)}
        try:
            rewritten = rewrite(_configuration(workspace), pending)
        except (Unreadable, UnicodeDecodeError):
            return Unplannable(why="how it uses that could not be read from its files")
        configured = rewritten.configured_from(pending)
        if configured:
            provider, variable = configured
            return Unplannable(why=f"provider {provider!r} is configured from {variable!r}")
        return _Shadow(workspace, inputs, rewritten, on_event).planned()


class _Shadow:
    """One throw-away plan."""

    def __init__(
        self,
        workspace: Workspace,
        inputs: Mapping[str, Tree],
        rewritten: Rewritten,
        on_event: Callable[[Event], None],
    ) -> None:
        self._workspace = workspace
        self._pending = {name: value for name, value in inputs.items() if pending_in(value)}
        call = Arguments()
        self._given = {name: call.of(value) for name, value in self._pending.items()}
        known = {name: known_part(inputs[name]) for name in inputs if name not in self._pending}
        self._variables: dict[str, Json] = {**known, KNOWN: call.known}
        self._rewritten = rewritten
        self._progress = Progress(workspace.unit, workspace.site.secrets, on_event)

    def planned(self) -> ModulePlan | Unplannable:
        initialise_on_need(self._workspace, self._progress)
        ended, plan = self._attempt()
        if ended.code == 1 and any(
            one.summary in STALE_INITIALISATION for one in ended.diagnostics
        ):
            initialise(self._workspace, self._progress)
            ended, plan = self._attempt()
        if plan is not None:
            return plan
        if ended.interrupted or ended.overran:
            raise self._progress.failed("plan", ended)
        return self._refused(in_order(ended.diagnostics), ended)

    def _attempt(self) -> tuple[Ended, ModulePlan | None]:
        content = _state(self._workspace)
        with scratch(self._workspace) as folder, self._laid_out(folder) as workspace:
            plan_file = folder / "shadow.tfplan"
            argv = self._arguments(folder, plan_file, content)
            ended = follow(
                workspace, argv, journal=folder / "plan.jsonl", on_message=self._progress.take
            )
            if (
                ended.code != _CHANGES
            ):  # what is pending is to be created, so that there is always something
                return ended, None
            reading = shown(workspace, plan_file, self._read)
        told = (one for one in in_order(ended.diagnostics) if self._tells(one))
        warnings = warnings_of(self._workspace, reading, told)
        return ended, ModulePlan(
            changes=reading.changes,
            unchanged=reading.unchanged,
            outputs=with_nulls(self._workspace, reading.outputs),
            warnings=tuple(map(self._as_written, warnings)),
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
    def _laid_out(self, folder: Path) -> Iterator[Workspace]:
        """Lay the rewritten module out where the module is, and the module itself again afterwards.

        Its paths stay what they are in that way. Whoever comes after a process that was killed in between
        lays the module out anyway.
        """
        own = self._workspace
        _write_data(own, folder, self._rewritten)
        directory = own.directory
        try:
            for name in own.generated:
                (directory / name).unlink()
            for name, text in {**self._rewritten.files, _OURS: self._root()}.items():
                (directory / name).unlink(missing_ok=True)
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

    def _read(self, document: Document, hides: Hides) -> Reading:
        ours = f"terraform_data.{CALL}"
        changes = document.get("resource_changes") or []
        theirs = {
            **document,
            "resource_changes": [change for change in changes if change["address"] != ours],
        }
        reading = read_plan(theirs, hides)
        return replace(reading, changes=explained(reading.changes, theirs, self._pending))

    def _tells(self, diagnostic: Diagnostic) -> bool:
        """Whether a message is a warning about the module, and not about how we call it."""
        return (
            diagnostic.warning and not diagnostic.undecided and "-state" not in diagnostic.summary
        )

    def _refused(self, told: tuple[Diagnostic, ...], ended: Ended) -> Unplannable:
        errors = [one for one in told if not one.warning]
        for one in errors:
            if one.summary in _COUNTED:
                return Unplannable(why=self._as_written(_uncounted(one)))
        _refuse_invalid(self._workspace)
        said = sentence(errors[0]) if errors else ended.stderr.strip().splitlines()[-1]
        return Unplannable(why=self._as_written(f"before that, Terraform says: {said}"))

    def _as_written(self, text: str) -> str:
        return self._workspace.site.secrets.redact(text.replace(INSTEAD, "var."))


def _uncounted(diagnostic: Diagnostic) -> str:
    """Return which resource or module there may be any number of."""
    words = [word.strip('"') for word in diagnostic.context.split()]
    name = ".".join(words[1:] if words[:1] == ["resource"] else words)
    place = f" ({diagnostic.file}:{diagnostic.line})" if diagnostic.file else ""
    return f"the {_COUNTED[diagnostic.summary]} of {name or 'a resource'}{place} depends on that"


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


def _configuration(workspace: Workspace) -> dict[str, str]:
    """Return the module's own files of configuration, by name."""
    return {
        file.name: file.read_text(encoding="utf-8-sig")
        for file in sorted(workspace.directory.iterdir())
        if file.name.endswith(CONFIGURATION) and file.is_file() and ".tfvars" not in file.name
        if file.name not in workspace.generated
    }


def _write_data(workspace: Workspace, folder: Path, rewritten: Rewritten) -> None:
    """Make Terraform's own folder: the unit's plug-ins and modules, and ours beside them."""
    data, declarations = folder / "data", folder / CALL
    for name, text in rewritten.declarations.items():
        write_private(make_private(declarations) / name, text)
    outputs: Json = {"output": rewritten.outputs()}
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

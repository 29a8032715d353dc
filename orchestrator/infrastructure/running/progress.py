"""What a running plan or apply tells: events for people while it runs, and what was in flight if it ends badly."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from orchestrator.errors import Interrupted, OrchestratorError, TerraformError
from orchestrator.infrastructure.reading.diagnostics import failure
from orchestrator.infrastructure.reading.plan import drift_in
from orchestrator.infrastructure.reading.state import read_outputs_block
from orchestrator.infrastructure.running.run import Ended
from orchestrator.plans.change import Action, Change
from orchestrator.plans.events import ChangeBegun, ChangeDone, Event, UnitProgress
from orchestrator.plans.redaction import Secrets
from orchestrator.stack.model import UnitId
from orchestrator.stack.scope import Output

_DOWNLOAD = re.compile(r"- (Installing|Finding|Reusing|Using)|Downloading")
_KEY = re.compile(r'\["(?:[^"\\]|\\.)*"\]')
_BEGUN = {"create": "creating", "update": "changing", "delete": "deleting", "read": "reading"}


class Progress:
    """Turns the messages of one command into events, and remembers what was begun and not completed."""

    def __init__(
        self,
        unit: UnitId,
        secrets: Secrets,
        on_event: Callable[[Event], None],
        *,
        keys: bool = True,
    ) -> None:
        """Tell to ``on_event``; without ``keys`` no keys of instances, since these may be secrets not known yet."""
        self._unit = unit
        self._keys = keys
        self._secrets = secrets
        self._on_event = on_event
        self._in_flight: dict[str, str] = {}
        self._done: list[str] = []
        self._outputs: Mapping[str, Any] = {}
        self._drift: list[Change] = []

    @property
    def drift(self) -> tuple[Change, ...]:
        """Return what others changed, as far as the stream tells: which resource, and how."""
        return tuple(self._drift)

    @property
    def done(self) -> tuple[str, ...]:
        """Return what was changed so far: addresses of resources, in that order."""
        return tuple(map(self._secrets.redact, self._done))

    @property
    def outputs(self) -> Mapping[str, Output] | None:
        """Return the outputs that an apply told, or None when it kept a sensitive value back."""
        if any("value" not in output for output in self._outputs.values()):
            return None
        return read_outputs_block(self._outputs)

    def take(self, message: Mapping[str, Any]) -> None:
        """Take one message of the stream; kinds that say nothing to people are passed over."""
        hook = message.get("hook") or {}
        name = self._shown((hook.get("resource") or {}).get("addr", ""))
        match message.get("type"):
            case "apply_start":
                self._in_flight[name] = str(hook.get("action", ""))
                self._emit(ChangeBegun(unit=self._unit, name=name))
                self._tell(f"{_BEGUN.get(self._in_flight[name], 'applying')} {name}")
            case "apply_complete":
                self._in_flight.pop(name, None)
                self._done.append(name)
                self._emit(
                    ChangeDone(unit=self._unit, name=name, action=_action(hook.get("action")))
                )
            case "apply_errored":
                self._tell(f"failed on {name}")
            case "refresh_start":
                self._tell(f"reading {name}")
            case "provision_progress":
                self._tell(f"{name}: {str(hook.get('output', '')).strip()}")
            case "resource_drift":
                drifted = drift_in(message)
                self._drift += [drifted] if drifted else []
            case "outputs":
                self._outputs = message.get("outputs") or {}
            case _:
                pass

    def take_line(self, line: str) -> None:
        """Take one line that ``init`` writes for people; the steps of a download are worth telling."""
        if _DOWNLOAD.match(line):
            self._tell(line.removeprefix("- ").rstrip(". "))

    def failed(self, doing: str, ended: Ended) -> OrchestratorError:
        """Return the error for a command that did not succeed."""
        # Secrets that the failed command itself made were not known yet when its messages were read.
        diagnostics = (one.redacted(self._secrets.redact) for one in ended.diagnostics)
        stderr = self._secrets.redact(ended.stderr)
        cause = failure(self._unit, doing, diagnostics, output=stderr)
        killed = ended.code < 0
        if not ended.interrupted and not ended.overran and not killed:
            return cause
        hint = self._left(killed=killed)
        if ended.overran:
            message = f"{self._unit}: {doing} was stopped, since {ended.overran}"
            return TerraformError(message, hint=f"{ended.remedy}; {hint}", detail=cause.detail)
        if not ended.interrupted:
            message = f"{self._unit}: {doing} failed: Terraform was ended from outside"
            return TerraformError(message, hint=hint, detail=cause.detail)
        return Interrupted(f"{self._unit}: stopped during {doing}", hint=hint, detail=cause.detail)

    def _left(self, *, killed: bool) -> str:
        """Return what is to be done about a command that was broken off."""
        # An interrupt cancels calls that may have arrived all the same: what failed then counts as begun.
        unclear = self._secrets.redact(", ".join(sorted(self._in_flight)))
        hint = "plan again to see what is left"
        if unclear:
            hint += (
                f"; these were being worked on and may exist without being in the state: {unclear}"
            )
        if killed:
            hint += "; Terraform was killed, so its state may be older than what exists"
        return hint

    def _shown(self, address: str) -> str:
        return address if self._keys else _KEY.sub("[…]", address)

    def _tell(self, text: str) -> None:
        self._emit(UnitProgress(unit=self._unit, text=self._secrets.redact(text)))

    def _emit(self, event: Event) -> None:
        # A display that fails must not end the loop that watches a running apply: the child would be killed.
        with suppress(Exception):
            self._on_event(event)


def _action(name: object) -> Action:
    try:
        return Action(str(name))
    except ValueError:
        return Action.NO_OP

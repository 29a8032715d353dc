"""Terraform's own messages: read from its event stream or its text, explained, and made into errors."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from orchestrator import clock
from orchestrator.errors import (
    OrchestratorError,
    PlanRefused,
    StorageError,
    TerraformError,
    TerraformUnavailable,
)
from orchestrator.infrastructure.reading.locks import lock_in

_HEADING = re.compile(r"^(Error|Warning): (.*)$")
_POSITION = re.compile(r"^\s*on (\S.*?) line (\d+)(?:, in (.*?))?:?$")
_REMARK = re.compile(r"(Terraform|OpenTofu) encountered problems during initiali[sz]ation")
_SOURCE_LINE = re.compile(r"^\s+\d+: ")

_LOCKED = "error acquiring the state lock"
_FULL = ("no space left on device", "disk quota exceeded")  # which may be why there is no lock
STALE_INITIALISATION = frozenset(
    {
        "Module not installed",
        "Module source has changed",
        "Module version requirements have changed",
        "Inconsistent dependency lock file",
        "Required plugins are not installed",
        'Backend initialization required, please run "terraform init"',
        'Backend initialization required: please run "tofu init"',
        "Backend initialization required",
        "Could not load plugin",
        "Missing required provider",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One message: what is wrong, in which file and line as people know them, and where in the configuration."""

    summary: str
    detail: str = ""
    warning: bool = False
    file: str = ""
    line: int = 0
    context: str = ""
    code: str = ""
    address: str = ""

    def redacted(self, redact: Callable[[str], str]) -> "Diagnostic":
        """Return it with ``redact`` applied to all that it quotes."""
        return replace(
            self,
            summary=redact(self.summary),
            detail=redact(self.detail),
            code=redact(self.code),
            address=redact(self.address),
        )

    @property
    def of_a_check(self) -> bool:
        """Whether a ``check`` block told it, which a plan document does with the check's address."""
        return self.warning and self.context.startswith('check "')

    @property
    def undecided(self) -> bool:
        """Whether it only says that a ``check`` block is evaluated later."""
        return self.of_a_check and "known after apply" in self.summary

    def __str__(self) -> str:
        """Return it over several lines: summary, place with its source line, then the detail."""
        below = [f"  {line}".rstrip() for line in self.below.splitlines()]
        return "\n".join([self.summary, *below])

    @property
    def below(self) -> str:
        """Return what stands below the summary."""
        place = f"{self.file}:{self.line}" if self.file else ""
        inside = f"in {self.context}" if self.context else ""
        concerned = f"for {self.address}" if self.address else ""
        where = ", ".join(part for part in (place, inside, concerned) if part)
        code = f"  {self.code.strip()}" if self.code.strip() else ""
        detail = "\n".join(line.rstrip() for line in self.detail.splitlines())
        return "\n".join(part for part in (where, code, detail) if part)


def from_event(payload: Mapping[str, Any]) -> Diagnostic:
    """Read the ``diagnostic`` of an event; what follows a summary's first line belongs to the detail."""
    range_, snippet = payload.get("range") or {}, payload.get("snippet") or {}
    summary, _, more = str(payload.get("summary", "")).strip().partition("\n")
    return Diagnostic(
        summary=summary.rstrip(": "),
        detail="\n".join(part for part in (more.strip(), str(payload.get("detail", ""))) if part),
        warning=payload.get("severity") == "warning",
        file=str(range_.get("filename", "")),
        line=int((range_.get("start") or {}).get("line", 0)),
        context=str(snippet.get("context") or ""),
        code=str(snippet.get("code") or ""),
        address=str(payload.get("address", "")),
    )


def sentence(diagnostic: Diagnostic) -> str:
    """Return a warning in one line, with its place."""
    what = diagnostic.summary
    if diagnostic.of_a_check:
        _, name, *_ = diagnostic.context.split('"')
        what = f"check.{name} failed"
    place = f" ({diagnostic.file}:{diagnostic.line})" if diagnostic.file else ""
    detail = f": {diagnostic.detail.splitlines()[0]}" if diagnostic.detail else ""
    return f"{what}{place}{detail}"


def from_text(text: str) -> tuple[Diagnostic, ...]:
    """Read what a command without an event stream writes for people, uncoloured."""
    blocks: list[list[str]] = []
    for line in text.splitlines():
        line = line.lstrip("╷│╵").removeprefix(" ") if line[:1] in "╷│╵" else line  # noqa: PLW2901
        if _HEADING.match(line):
            blocks.append([line])
        elif blocks:
            blocks[-1].append(line)
    return tuple(map(_from_block, blocks))


def _from_block(lines: list[str]) -> Diagnostic:
    heading = _HEADING.match(lines[0])
    position = next((found for found in map(_POSITION.match, lines) if found), None)
    code = next((line.split(":", 1)[1] for line in lines if _SOURCE_LINE.match(line)), "")
    body = [
        line for line in lines[1:] if not _POSITION.match(line) and not _SOURCE_LINE.match(line)
    ]
    return Diagnostic(
        summary=heading[2] if heading else "",
        detail=_unwrapped(body),
        warning=bool(heading and heading[1] == "Warning"),
        file=position[1] if position else "",
        line=int(position[2]) if position else 0,
        context=(position[3] or "") if position else "",
        code=code,
    )


def _unwrapped(lines: list[str]) -> str:
    """Join what was wrapped for a terminal, so that a long value stands in one piece; indented lines stay."""
    paragraphs: list[str] = []
    joins = False
    for line in lines:
        plain = bool(line) and not line[0].isspace() and not line.startswith(("-", "*"))
        if plain and joins:
            paragraphs[-1] += f" {line.strip()}"
        elif line.strip():
            paragraphs.append(line.rstrip())
        joins = plain
    return "\n".join(paragraphs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Explanation:
    """What a message means for the person who reads it, where Terraform's own words leave that open.

    ``says`` are alternative texts, in lower case, of which one stands in it.
    """

    says: tuple[str, ...]
    hint: str
    kind: type[OrchestratorError] = TerraformError
    message: str = ""


_EXPLANATIONS = (
    _Explanation(
        says=_FULL,
        hint="free some space and run it again; what was applied before is in the state",
        kind=StorageError,
        message="the disk is full",
    ),
    _Explanation(
        says=("saved plan is stale", "saved plan does not match"),
        hint="plan again and look at the new plan",
        kind=PlanRefused,
        message="its state changed after the plan was made",
    ),
    _Explanation(
        says=(
            "plan file was created by",
            "plan files cannot be transferred",
            "unsupported plan file format",
        ),
        hint="plan again with the engine that applies",
        kind=PlanRefused,
        message="the plan was made by another version of the engine",
    ),
    _Explanation(
        says=("unsupported terraform core version", "unsupported opentofu core version"),
        hint="choose another engine with `terraform: {binary: …}`, or relax the module's required_version",
        kind=TerraformUnavailable,
    ),
    _Explanation(
        says=(
            "init -upgrade",
            "does not match any of the checksums",
            "provider dependency changes detected",
        ),
        hint="the committed .terraform.lock.hcl is honoured: bring it up to date with `init -upgrade` or "
        "`providers lock` in the module's directory, and commit it",
    ),
    _Explanation(
        says=(
            "failed to query available provider packages",
            "failed to resolve provider packages",
            "could not connect to registry",
            "failed to install provider",
            "error accessing remote module registry",
            "module registry",
        ),
        hint="is the registry reachable from here? Set a proxy, or a mirror in the CLI configuration",
    ),
    _Explanation(
        says=(
            "failed to download module",
            "could not download module",
            "failed to expand subdir globs",
        ),
        hint="does the address exist, and may this machine read it (network, credentials, ref, directory)?",
    ),
    _Explanation(
        says=("no valid credential sources", "could not find default credentials", "expiredtoken"),
        hint="check the provider's credentials in the environment; variables that are not passed on by default "
        "are named in `terraform: {environment: […]}`",
    ),
    _Explanation(
        says=(
            "no value for required variable",
            "invalid value for variable",
            "invalid value for input variable",
        ),
        hint="compare the unit's `inputs` with the module's variables",
    ),
    _Explanation(
        says=(
            "error loading state",
            "error refreshing state",
            "error configuring the backend",
            "failed to get existing workspaces",
            "unsupported backend type",
            "invalid backend configuration",
        ),
        hint="check `state:` in the stack file, and whether its backend can be reached from here with the "
        "credentials of this environment",
    ),
    _Explanation(
        says=("instance cannot be destroyed",),
        hint="the module itself protects it, by `prevent_destroy`",
    ),
)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort messages by place: Terraform works on many things at once and tells in no order.

    Those without a place come last, since they are often a general remark on the others.
    """

    def key(one: Diagnostic) -> tuple[bool, str, int, str, str, str]:
        return not one.file, one.file, one.line, one.address, one.summary, one.detail

    return tuple(sorted(diagnostics, key=key))


def failure(
    unit: str, doing: str, diagnostics: Iterable[Diagnostic], *, output: str = ""
) -> OrchestratorError:
    """Return the error for a command that failed while ``doing`` something to a unit.

    ``output`` is the end of what it wrote to stderr, for the case that it gave no diagnostic at all.
    """
    errors = _telling(diagnostic for diagnostic in diagnostics if not diagnostic.warning)
    if not errors:
        return TerraformError(
            f"{unit}: {doing} failed without a message", detail=output.strip()[-4000:]
        )
    told = "\n\n".join(map(str, errors))
    said = told.lower()
    if _LOCKED in said and not any(text in said for text in _FULL):
        lock = lock_in("\n".join(one.detail for one in errors))
        message = f"{unit}: {doing} failed: {lock.told(clock.now())}"
        return TerraformError(message, hint=lock.way_out(unit), detail=told)
    found = next((one for one in _EXPLANATIONS if any(text in said for text in one.says)), None)
    message = f"{unit}: {doing} failed: {_sentence(errors[0])}"
    detail = told if len(errors) > 1 or (found and found.message) else errors[0].below
    if found is None:
        return TerraformError(message, detail=detail)
    if found.message:
        message = f"{unit}: {doing} failed: {found.message}"
    return found.kind(message, hint=found.hint, detail=detail)


def _telling(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return errors in order, without the remark on top of them that there are some."""
    errors = in_order(diagnostics)
    return tuple(one for one in errors if not _REMARK.match(one.summary)) or errors


def _sentence(diagnostic: Diagnostic) -> str:
    place = f" ({diagnostic.file}:{diagnostic.line})" if diagnostic.file else ""
    summary = diagnostic.summary[:1].lower() + diagnostic.summary[1:]
    return f"{summary.rstrip('.')}{place}"

"""Which of Terraform's own commands may be run in a unit's directory, and what they take and do there; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from orchestrator.errors import UsageError

_TAKING_INPUTS: Final = frozenset({"plan", "console", "import", "refresh"})
_CHANGING: Final = frozenset({"force-unlock", "import", "refresh", "taint", "untaint"})
_CHANGING_STATE: Final = frozenset({"mv", "rm", "push", "replace-provider"})
_READING_WORKSPACES: Final = frozenset({"list", "show"})
_NESTED: Final = frozenset({"metadata", "providers", "state", "workspace"})
_ADDRESS: Final = re.compile(
    r"(?:module\.|data\.)?[a-z][a-z0-9_-]*(?:\[[^\]]*\])?\.[A-Za-z_][^=\s]*"
)


class _Refusal(NamedTuple):
    why: str
    hint: str


_REFUSED: Final = {
    "apply": _Refusal(
        "would change what exists without a plan that anybody saw, and the ledger would not know",
        "`orchestrator apply STACK --only UNIT` does it",
    ),
    "destroy": _Refusal(
        "would destroy what exists without a plan that anybody saw, and the ledger would not know",
        "`orchestrator destroy STACK --only UNIT` does it",
    ),
    "init": _Refusal(
        "would choose a backend or providers that nobody wrote down",
        "the directory is initialised already; for other providers change the module's lock file",
    ),
    "workspace": _Refusal(
        "would choose another state than the stack file does",
        "environments of the stack have states of their own",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """A command that may be run: whether it takes inputs, whether it changes the state, and how it is told.

    ``told`` holds its words and the addresses that it is about, and nothing that may be a secret.
    """

    takes_inputs: bool
    changes: bool
    told: str


def allowed(arguments: Sequence[str]) -> Allowed:
    """Return what a command does; raises UsageError for one that would go behind the ledger's back."""
    if not arguments:
        message = "there is no command to run"
        raise UsageError(message, hint="write it behind two dashes, such as `-- state list`")
    command, *rest = arguments
    if command.startswith("-chdir"):
        message = "-chdir would leave the unit's directory"
        raise UsageError(message, hint="the command is run in that directory anyway")
    words = _words(command, rest)
    if command in _REFUSED and not _only_reads(words, rest):
        refusal = _REFUSED[command]
        raise UsageError(f"`terraform {' '.join(words)}` {refusal.why}", hint=refusal.hint)
    nested = words[-1] if command == "state" else ""
    addresses = [word for word in rest if _ADDRESS.fullmatch(word)]
    if (
        command == "import"
    ):  # what follows the address is an id, which may look like one and be a secret
        del addresses[1:]
    return Allowed(
        takes_inputs=command in _TAKING_INPUTS and not _asks_for_help(rest),
        changes=command in _CHANGING or nested in _CHANGING_STATE,
        told=" ".join([*words, *addresses]),
    )


def _words(command: str, rest: Sequence[str]) -> list[str]:
    first = next(iter(rest), "")
    return [command, first] if command in _NESTED and first[:1].isalpha() else [command]


def _only_reads(words: Sequence[str], rest: Sequence[str]) -> bool:
    return words[-1] in _READING_WORKSPACES or _asks_for_help(rest)


def _asks_for_help(rest: Sequence[str]) -> bool:
    return bool({"-h", "-help", "--help"} & {*rest})

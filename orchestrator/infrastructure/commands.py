"""Which of Terraform's own commands may be run in a unit's directory, and what they take and do there; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from orchestrator.errors import UsageError

_TAKING_INPUTS: Final = frozenset({"plan", "console", "import", "refresh"})
_CHANGING: Final = frozenset({"force-unlock", "import", "refresh", "taint", "untaint"})
_CHANGING_STATE: Final = frozenset({"mv", "rm", "push", "replace-provider"})
_READING: Final = frozenset(
    {"graph", "metadata", "modules", "output", "show", "validate", "version"}
)
_NESTED: Final = frozenset({"env", "metadata", "providers", "state", "workspace"})
_KNOWN: Final = _TAKING_INPUTS | _CHANGING | _READING | {"providers", "state"}
_ADDRESS: Final = re.compile(
    r"(?:module\.|data\.)?[a-z][a-z0-9_-]*(?:\[[^\]]*\])?\.[A-Za-z_][^=\s]*"
)
_HELP: Final = frozenset({"-h", "-help", "--help"})
_GENERAL: Final = _HELP | {"-v", "-version", "--version"}


class _Refusal(NamedTuple):
    why: str
    hint: str


_IN_ITS_OWN_PLACE: Final = "run it in the module's own directory, and commit what comes of it"
_OTHER_STATE: Final = _Refusal(
    "would choose another state than the stack file does",
    "environments of the stack have states of their own",
)
_PRIVATE_COPY: Final = _Refusal(
    "would write into a private copy of the module, where nobody finds it", _IN_ITS_OWN_PLACE
)

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
    "get": _Refusal(
        "would fetch other modules than the plan is made with",
        "what is called is fetched by itself; for another version change the module's source",
    ),
    "test": _Refusal(
        "would make and destroy things that no state and no ledger keeps",
        "run it in the module's own directory, with credentials that are meant for it",
    ),
    "fmt": _PRIVATE_COPY,
    "providers lock": _PRIVATE_COPY,
    "providers mirror": _PRIVATE_COPY,
    "workspace": _OTHER_STATE,
    "env": _OTHER_STATE,
}
_READING_NESTED: Final = frozenset({"workspace list", "workspace show", "env list"})
_REFUSED_OPTIONS: Final = {
    "state": _OTHER_STATE,
    "state-out": _OTHER_STATE,
    "out": _Refusal(
        "would leave a plan file in clear text, which only Terraform itself could apply",
        "`orchestrator plan STACK --only UNIT --out FILE` saves a plan",
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
    """Return what a command does; raises UsageError for one that would go behind the ledger's back.

    So it does for one that nobody knows here: what it does, and where, could not be told.
    """
    if not arguments:
        message = "there is no command to run"
        raise UsageError(message, hint="write it behind two dashes, such as `-- state list`")
    command, *rest = arguments
    if command.startswith("-chdir"):
        message = "-chdir would leave the unit's directory"
        raise UsageError(message, hint="the command is run in that directory anyway")
    words = _words(command, rest)
    if command not in _GENERAL and _HELP.isdisjoint(rest):
        _check(words, rest)
    nested = words[-1] if command == "state" else ""
    addresses = [word for word in rest if _ADDRESS.fullmatch(word)]
    # What follows the address is an id, which may look like one and be a secret.
    if command == "import":
        del addresses[1:]
    return Allowed(
        takes_inputs=command in _TAKING_INPUTS and _HELP.isdisjoint(rest),
        changes=command in _CHANGING or nested in _CHANGING_STATE,
        told=" ".join([*words, *addresses]),
    )


def _check(words: Sequence[str], rest: Sequence[str]) -> None:
    written = " ".join(words)
    refusal = _REFUSED.get(written) or _REFUSED.get(words[0])
    if refusal and written not in _READING_NESTED:
        raise UsageError(f"`terraform {written}` {refusal.why}", hint=refusal.hint)
    if words[0] not in _KNOWN and not refusal:
        message = f"`terraform {written}` is not a command that is known to do no harm here"
        raise UsageError(message, hint=f"those that are: {', '.join(sorted(_KNOWN))}")
    for word in rest:
        option = word.lstrip("-").partition("=")[0] if word.startswith("-") else ""
        if option in _REFUSED_OPTIONS:
            refusal = _REFUSED_OPTIONS[option]
            raise UsageError(f"-{option} {refusal.why}", hint=refusal.hint)


def _words(command: str, rest: Sequence[str]) -> list[str]:
    first = next(iter(rest), "")
    return [command, first] if command in _NESTED and first[:1].isalpha() else [command]

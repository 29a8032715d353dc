"""What a stack file or the repository's settings say for one environment, apart from how they say it; pure."""

import json

from orchestrator.errors import InvalidStack
from orchestrator.stack.model import Ledger
from orchestrator.stack.written.parts import read_ledger
from orchestrator.stack.written.sections import Section
from orchestrator.stack.yaml import parse


def said(text: str, environment: str) -> str:
    """Return what a file says without its comments, its form and what it says of other environments alone.

    A file that cannot be read says what stands in it.
    """
    try:
        values = [document.value for document in parse(text, "stack.yaml")]
    except InvalidStack:
        return text
    for value in values:
        environments = value.get("environments") if isinstance(value, dict) else None
        if isinstance(value, dict) and isinstance(environments, dict):
            own = {name: each for name, each in environments.items() if name == environment}
            value["environments"] = own
    return json.dumps(values, sort_keys=True)


def said_of_ledger(stack: str, project: str, environment: str) -> Ledger:
    """Return where a stack file and the repository's settings say that the ledger of an environment is.

    What cannot be read says nothing.
    """
    top = _top(stack)
    for section in (
        *(each.below("environments", environment) for each in top),
        *top,
        *_top(project),
    ):
        if section.values.get("ledger") is not None:
            return read_ledger(section.below("ledger"))
    return Ledger(remote="")


def _top(text: str) -> tuple[Section, ...]:
    try:
        return tuple(Section(document=document) for document in parse(text, "stack.yaml")[:1])
    except InvalidStack:
        return ()

"""What a stack file or the repository's settings say for one environment, apart from how they say it; pure."""

import json

from orchestrator.errors import InvalidStack
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

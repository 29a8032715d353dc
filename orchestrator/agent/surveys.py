"""What a look at a repository found, in the one JSON document that a child writes of it."""

import json
from dataclasses import asdict, dataclass

from orchestrator.plans.declared import Declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A revision and what it declares; ``signer`` is who signed it, where that is asked for.

    ``left`` are stacks that it declares no more, and of which something is left.
    """

    revision: str
    subject: str
    declared: tuple[Declared, ...]
    signer: str = ""
    left: tuple[Declared, ...] = ()


def encode(survey: Survey) -> str:
    """Return a survey as a line of JSON."""
    return json.dumps({"format": 1, **asdict(survey)}, sort_keys=True) + "\n"


def decode(text: str) -> Survey | None:
    """Return the survey that a text holds, None when it holds none."""
    try:
        found = json.loads(text)
        return Survey(
            revision=found["revision"],
            subject=found["subject"],
            signer=found["signer"],
            declared=tuple(Declared(**each) for each in found["declared"]),
            left=tuple(Declared(**each) for each in found["left"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None

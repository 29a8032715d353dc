"""What a look at a repository found, in the one JSON document that a child writes of it."""

import json
from dataclasses import asdict, dataclass, fields

from orchestrator.plans.declared import Declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A revision and what it declares; ``signer`` is who signed it, where that is asked for."""

    revision: str
    subject: str
    declared: tuple[Declared, ...]
    signer: str = ""


def encode(survey: Survey) -> str:
    """Return a survey as a line of JSON."""
    return json.dumps({"format": 1, **asdict(survey)}, sort_keys=True) + "\n"


def decode(text: str) -> Survey | None:
    """Return the survey that a text holds, None when it holds none."""
    try:
        found = json.loads(text)
        declared = tuple(Declared(**each) for each in found.pop("declared"))
        known = {field.name: found[field.name] for field in fields(Survey) if field.name in found}
        return Survey(**known, declared=declared)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None

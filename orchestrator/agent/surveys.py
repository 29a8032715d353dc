"""What a look at a repository or at many stacks found, in the one JSON document that a child writes of it."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from orchestrator.agent.decisions.agenda import Key
from orchestrator.plans.declared import Declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeclared:
    """A stack, an environment of one or, without a stack, of all, that the agent's file names and Git does not."""

    stack: str
    environment: str
    why: str
    hint: str

    def __str__(self) -> str:
        """Return ``stack``, ``stack/environment`` or ``*/environment``."""
        return f"{self.stack or '*'}/{self.environment}" if self.environment else self.stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A revision and what it declares; ``signer`` is who signed it, where that is asked for.

    ``signers`` identifies the list that they stood in. ``left`` are stacks that it declares no more, and of which
    something is left; ``undeclared`` is what the agent's file names, and is not there.
    """

    revision: str
    subject: str
    declared: tuple[Declared, ...]
    signer: str = ""
    signers: str = ""
    left: tuple[Declared, ...] = ()
    undeclared: tuple[Undeclared, ...] = ()


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
            signers=found["signers"],
            declared=tuple(Declared(**each) for each in found["declared"]),
            left=tuple(Declared(**each) for each in found["left"]),
            undeclared=tuple(Undeclared(**each) for each in found["undeclared"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def encode_astray(keys: Iterable[Key]) -> str:
    """Return the stacks that a patrol found astray as a line of JSON."""
    return json.dumps({"format": 1, "astray": [asdict(key) for key in keys]}) + "\n"


def decode_astray(text: str) -> frozenset[Key] | None:
    """Return the stacks that a text says are astray, None when it says nothing."""
    try:
        return frozenset(Key(**each) for each in json.loads(text)["astray"])
    except (ValueError, TypeError, KeyError):
        return None

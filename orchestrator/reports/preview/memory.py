"""What a comment remembers of the plans that it shows, hidden in itself, so that the next one can tell what changed."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from orchestrator.plans.digest import digest
from orchestrator.plans.preview import Preview, StackPreview
from orchestrator.reports.preview.words import outlook

_FORMAT: Final = 1
_HIDDEN: Final = re.compile(r"^<!-- orchestrator-plans (\{.*\}) -->$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One plan of an earlier comment: its digest, shortened, and what it would have done."""

    digest: str
    outlook: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What an earlier comment was about: the commit that was to be merged, and its plans by stack/environment."""

    head: str
    plans: Mapping[str, Remembered] = field(default_factory=dict)


def marker(configuration: str) -> str:
    """Return the hidden line by which a comment of ours is found; configurations are told apart by it."""
    return f"<!-- orchestrator-comment {_inside_comment(configuration)} -->"


def remember(preview: Preview) -> str:
    """Return the hidden line that holds what ``recall`` reads."""
    plans = {
        each.name: [_digest(each), outlook(each)]
        for each in sorted(preview.stacks, key=lambda each: each.name)
    }
    kept = {"format": _FORMAT, "head": preview.head, "plans": plans}
    return f"<!-- orchestrator-plans {_inside_comment(kept)} -->"


def recall(comment: str) -> Memory | None:
    """Return what an earlier comment remembers, or None when it holds nothing that can be read."""
    found = _HIDDEN.search(comment)
    if not found:
        return None
    try:
        kept = json.loads(found.group(1))
        plans = {
            str(name): Remembered(digest=str(digest_), outlook=str(words))
            for name, (digest_, words) in kept["plans"].items()
        }
        return Memory(head=str(kept["head"]), plans=plans)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _digest(preview: StackPreview) -> str:
    return digest(preview.plan)[:16] if preview.plan else ""


def _inside_comment(value: object) -> str:
    """Return JSON that does not end an HTML comment."""
    written = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return written.replace("--", r"-\u002d")

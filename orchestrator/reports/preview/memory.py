"""What a comment remembers of the plans that it shows, hidden in itself, so that the next one can tell what changed."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from orchestrator.plans.digest import digest
from orchestrator.plans.preview import Preview, Ruling, StackPreview
from orchestrator.reports.preview.words import outlook

_FORMAT: Final = 1
_LONGEST_CONFIGURATION: Final = 100
_COMMIT: Final = re.compile(r"[0-9a-f]{40,64}")
_NAME: Final = re.compile(r"[a-z0-9-]{1,40}/[a-z0-9-]{1,40}")
_HIDDEN: Final = re.compile(r"^<!-- orchestrator-plans (\{.*\}) -->\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One plan of an earlier comment: its digest, shortened, and what it would have done.

    The digest is empty when there was no plan; ``ledger`` is the entry that it was made after, empty for none.
    ``ruling`` is what guards said of it.
    """

    digest: str
    outlook: str
    ledger: str = ""
    ruling: Ruling = Ruling.PASSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What an earlier comment was about: the commits that were to be merged, and its plans by stack/environment.

    ``into`` is what the base is called, empty in comments that do not say it; ``begun`` is when planning them began, in
    milliseconds since 1970, and 0 in those. ``whole`` says that these are all of its plans: not where nothing could be
    planned, or where they were ``dropped`` since there was no room for them.
    """

    head: str
    base: str = ""
    into: str = ""
    begun: int = 0
    whole: bool = True
    dropped: bool = False
    plans: Mapping[str, Remembered] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Return whether nothing could be planned."""
        return not self.whole and not self.dropped


def marker(configuration: str) -> str:
    """Return the hidden line by which a comment of ours is found; configurations are told apart by it.

    One whose name is long is known by a hash of it.
    """
    named = inside_comment(configuration)
    if len(named) > _LONGEST_CONFIGURATION:
        hashed = hashlib.sha256(configuration.encode(errors="surrogatepass"))
        named = inside_comment(hashed.hexdigest())
    return f"<!-- orchestrator-comment {named} -->"


def memory_of(preview: Preview) -> Memory:
    """Return what a comment on a preview is to remember."""
    made = preview.stacks if preview.error is None else ()
    plans = {
        each.name: Remembered(
            digest=_digest(each), outlook=outlook(each), ledger=each.ledger, ruling=each.ruling
        )
        for each in sorted(made, key=lambda each: each.name)
    }
    return Memory(
        head=preview.head,
        base=preview.base,
        into=preview.into,
        begun=preview.begun,
        whole=preview.error is None,
        plans=plans,
    )


def remember(preview: Preview, *, plans: bool = True) -> str:
    """Return the hidden line that holds what ``recall`` reads; without the ``plans`` it is short."""
    memory = memory_of(preview)
    kept = {
        name: [plan.digest, plan.outlook, plan.ledger, *_ruling(plan)]
        for name, plan in memory.plans.items()
    }
    about = {"format": _FORMAT, "head": memory.head, "base": memory.base}
    about |= {"into": memory.into} if memory.into else {}
    about |= {"begun": memory.begun} if memory.begun else {}
    about |= {"plans": kept} if plans and memory.whole else {"plans": {}, "whole": False}
    about |= {} if plans else {"dropped": True}
    return f"<!-- orchestrator-plans {inside_comment(about)} -->"


def recall(comment: str) -> Memory | None:
    """Return what an earlier comment remembers, or None when it holds nothing that can be read.

    Others may have edited the comment: what is no commit, or no name of a stack and an environment, is none of ours.
    """
    written = _HIDDEN.findall(comment)
    try:
        kept = json.loads(written[-1])  # whatever stands above, ours comes last
        plans = {str(name): _remembered(*values) for name, values in kept["plans"].items()}
        memory = Memory(
            head=str(kept["head"]),
            base=str(kept.get("base", "")),
            into=str(kept.get("into", "")),
            begun=int(kept.get("begun", 0)),
            whole=kept.get("whole") is not False,
            dropped=kept.get("dropped") is True,
            plans=plans,
        )
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    return memory if _is_ours(memory) else None


def worth(comment: str, *, head: str, into: str) -> tuple[bool, int]:
    """Return what a comment is worth beside another one: whether it is about these, then when it began."""
    memory = recall(comment)
    if memory is None:
        return False, -1
    return (memory.head, memory.into or into) == (head, into), memory.begun


def _is_ours(memory: Memory) -> bool:
    planned = (name for name, plan in memory.plans.items() if plan.digest)
    commits = (memory.head, *filter(None, [memory.base]))
    return all(map(_COMMIT.fullmatch, commits)) and all(map(_NAME.fullmatch, planned))


def _remembered(
    digest_: object, words: object, ledger: object = "", ruling: object = Ruling.PASSES
) -> Remembered:
    return Remembered(
        digest=str(digest_), outlook=str(words), ledger=str(ledger), ruling=Ruling(str(ruling))
    )


def _ruling(plan: Remembered) -> Iterator[str]:
    if plan.ruling is not Ruling.PASSES:
        yield plan.ruling.value


def _digest(preview: StackPreview) -> str:
    return digest(preview.plan)[:16] if preview.plan else ""


def inside_comment(value: object) -> str:
    """Return a value as JSON that does not end an HTML comment, nor a line."""
    written = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return written.replace("--", r"-\u002d")

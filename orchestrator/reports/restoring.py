"""What a rollback brings back, and what it does not, as the lines that stand at the head of its plan."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

from orchestrator.plans.plan import Lasting, Plan

_COLUMNS = 79

_SENTENCES: Final[Mapping[Lasting, str]] = {
    Lasting.DATA: "what is in it goes with this plan",
    Lasting.MOVED: "was moved there by what is undone; `moved` back keeps it",
    Lasting.FORGOTTEN: "made once more: the forgotten one is still there, and nobody's; `import` takes it back",
    Lasting.EMPTIED: "what was in it is gone, and it starts empty",
    Lasting.STORED: "what was stored in another version stays so",
    Lasting.RAN: "ran for what is undone, and that stays done",
    Lasting.RUNS_AGAIN: "runs again, on what others left",
    Lasting.IDENTITY: "made anew, with other ids and addresses",
}
"""Why something does not come back, the worst first."""


def restored_lines(plan: Plan) -> Iterator[str]:
    """Yield what a plan restores, and by name what a revert does not bring back; nothing when it leads on."""
    back = plan.restores
    if back is None:
        return
    who = back.by.partition(" <")[0]
    yield from _filled(
        f"Restores {plan.stack}/{plan.environment} to {back.revision}, applied"
        f" {back.at:%Y-%m-%d %H:%M} UTC by {who}",
    )
    subject = f" ({back.over.subject})" if back.over.subject else ""
    yield from _filled(f"  undoes {back.over}{subject}", " " * 4)
    if back.unrestored:
        yield "  ! a revert does not bring back:"
    for why, sentence in _SENTENCES.items():
        names = [f"{one.unit}/{one.name}" for one in back.unrestored if one.why is why]
        if names:
            yield from _filled(f"    {', '.join(names)}: {sentence}", " " * 6)


def _filled(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, _COLUMNS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )

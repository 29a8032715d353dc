"""The message of a rollback's commit; pure."""

import textwrap
from collections.abc import Sequence

_COLUMNS = 72
_MOST_LISTED = 20


def subject_of(what: str, revision: str) -> str:
    """Return the first line."""
    return f"Roll {what} back to {revision}"


def message_of(what: str, *, revision: str, target: str, undone: Sequence[str]) -> str:
    """Return the whole message.

    ``what`` reads ``shop/production`` or ``modules.network of shop/production``, ``target`` tells what is gone
    back to in full, and ``undone`` are commits as ``ID SUBJECT``, newest first.
    """
    body = f"What {what} is made of is again as it was at {target}. Nothing else is changed."
    lines = [subject_of(what, revision), "", *_filled(body)]
    if undone:
        lines += ["", "It undoes what these did to that:", ""]
        lines += [f"- {line}" for line in undone[:_MOST_LISTED]]
    if len(undone) > _MOST_LISTED:
        lines.append(f"- and {len(undone) - _MOST_LISTED} more")
    return "\n".join(lines) + "\n"


def _filled(text: str) -> list[str]:
    return textwrap.wrap(text, _COLUMNS, break_long_words=False, break_on_hyphens=False)

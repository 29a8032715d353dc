"""A rollback that was prepared, as text and as JSON."""

import textwrap
from collections.abc import Iterator

from orchestrator.plans.rollback import Rollback
from orchestrator.reports.json import revision_json, time_json
from orchestrator.stack.model import Json

_COLUMNS = 79


def render_rollback(rollback: Rollback) -> str:
    """Return what was prepared, where it is and what is next, ending in a newline."""
    return "\n".join(_lines(rollback)) + "\n"


def rollback_json(rollback: Rollback) -> dict[str, Json]:
    """Return what was prepared: the commit, what it goes back to, its files, and where it is."""
    return {
        "stack": rollback.stack,
        "environment": rollback.environment,
        "revision": revision_json(rollback.revision),
        "target": revision_json(rollback.target),
        "applied": {
            "entry": rollback.entry,
            "at": time_json(rollback.at),
            "by": rollback.by,
        }
        if rollback.at
        else None,
        "files": [{"path": path} for path in rollback.changed],
        "notices": list(rollback.notices),
        "branch": rollback.branch,
        "here": rollback.here,
        "remote": rollback.remote,
        "request": rollback.address,
    }


def _lines(rollback: Rollback) -> Iterator[str]:
    yield ""
    for notice in rollback.notices:
        yield from _filled(f"Note: {notice}")
    number = len(rollback.changed)
    files = f"{number} file{'s' if number > 1 else ''}"
    where = (
        f"on {rollback.branch}, here" if rollback.here else f"on the new branch {rollback.branch}"
    )
    revision = rollback.revision
    yield from _filled(f"Committed {revision} ({revision.subject}) {where}: {files} as before.")
    yield from _next(rollback)


def _next(rollback: Rollback) -> Iterator[str]:
    apply = f"orchestrator apply {rollback.stack} --env {rollback.environment}"
    if rollback.requested and rollback.address:
        yield f"Pushed to {rollback.remote}. Open a request here:"
        yield f"  {rollback.address}"
    elif rollback.requested:
        yield from _filled(
            f"Pushed to {rollback.remote}. Where that opens requests is not known here: open one for"
            f" {rollback.branch} there."
        )
    elif rollback.remote:
        yield f"Pushed to {rollback.remote}. Nothing is applied yet."
    elif rollback.here:
        yield "Nothing is applied or pushed yet. Next:"
        yield f"  {apply}"
    else:
        yield f"Nothing is applied or pushed yet. Next: git switch {rollback.branch}, or push it"


def _filled(text: str) -> list[str]:
    return textwrap.wrap(text, _COLUMNS, break_long_words=False, break_on_hyphens=False)

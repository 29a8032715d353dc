"""Why something happens to an object, in the few words that a plan has for it. Pure."""

from collections.abc import Iterator

from orchestrator.workloads.ownership import owner_of
from orchestrator.workloads.planning.asking.cases import Verdict
from orchestrator.workloads.planning.taking_over.leaving import who_keeps


def reason_of(verdict: Verdict, healing: str = "") -> str:
    """Return what is not plain about applying to an object that is there, or an empty text.

    ``healing`` says what is undone, where that was found; it names those whose fields are taken back.
    """
    return "; ".join(_parts(verdict, healing))


def _parts(verdict: Verdict, healing: str) -> Iterator[str]:
    if verdict.live is None:
        return
    if verdict.claim is not None:
        yield f"belonged to {verdict.claim.title}"
    elif owner_of(verdict.live) is None:
        yield "exists and belongs to nobody"
    if verdict.replaced is not None:
        yield f"{', '.join(verdict.replaced.fields) or 'something in it'} cannot be changed"
    if healing:
        yield healing
    elif verdict.taken_from:
        yield f"takes fields back from {', '.join(verdict.taken_from)}"
    if verdict.left:
        yield from who_keeps(verdict.live, verdict.left)

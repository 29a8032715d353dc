"""Many refusals as one error. Pure."""

from collections.abc import Sequence

from orchestrator.errors import ClusterError


def together(errors: Sequence[ClusterError]) -> ClusterError:
    """Return one error for all: the first one's message and kind, and every message below it."""
    first = errors[0]
    if len(errors) == 1:
        return first
    same_hint = len({error.hint for error in errors}) == 1
    details = [_paragraph(error, with_hint=not same_hint) for error in errors]
    kind = type(first) if type(first).__init__ is ClusterError.__init__ else ClusterError
    more = len(errors) - 1
    return kind(
        f"{first.message}, and {more} more {'refusal' if more == 1 else 'refusals'}",
        hint=first.hint if same_hint else "",
        detail="\n".join(details),
    )


def _paragraph(error: ClusterError, *, with_hint: bool) -> str:
    below = error.detail.splitlines()
    if with_hint and error.hint:
        below.append(f"hint: {error.hint}")
    return "\n".join([error.message, *(f"  {line}" for line in below)])

"""Many refusals as one error. Pure."""

from collections.abc import Sequence

from orchestrator.errors import ClusterError


def together(errors: Sequence[ClusterError]) -> ClusterError:
    """Return one error for all: the first one's message and kind, and below it what else there is to say."""
    first = errors[0]
    if len(errors) == 1:
        return first
    same_hint = len({error.hint for error in errors}) == 1
    details = [
        *_below(first, with_hint=not same_hint),
        *(_paragraph(error, with_hint=not same_hint) for error in errors[1:]),
    ]
    kind = type(first) if type(first).__init__ is ClusterError.__init__ else ClusterError
    more = len(errors) - 1
    return kind(
        f"{first.message}, and {more} more {'refusal' if more == 1 else 'refusals'}",
        hint=first.hint if same_hint else "",
        detail="\n".join(details),
    )


def _paragraph(error: ClusterError, *, with_hint: bool) -> str:
    return "\n".join([error.message, *(f"  {line}" for line in _below(error, with_hint=with_hint))])


def _below(error: ClusterError, *, with_hint: bool) -> list[str]:
    hint = [f"hint: {error.hint}"] if with_hint and error.hint else []
    return [*error.detail.splitlines(), *hint]

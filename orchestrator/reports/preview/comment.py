"""One comment on a request: a headline, errors, then each plan folded away, in as many characters as there are."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from shlex import quote
from typing import Final

from orchestrator.errors import InvalidStack, Mistake, OrchestratorError
from orchestrator.plans.approvals import SHOWN
from orchestrator.plans.digest import digest
from orchestrator.plans.guards import losses
from orchestrator.plans.plan import Plan
from orchestrator.plans.preview import Preview, Ruling, StackPreview
from orchestrator.plans.redaction import REPLACEMENT, with_sentences_redacted
from orchestrator.plans.risk import named
from orchestrator.reports.errors import render_error
from orchestrator.reports.preview.afterwards import ADDRESS
from orchestrator.reports.preview.blocks import Block, Document, Group, Piece, Rank
from orchestrator.reports.preview.budget import fitted, size
from orchestrator.reports.preview.diff import diff_of
from orchestrator.reports.preview.harmless import broken, code, line
from orchestrator.reports.preview.markdown import render
from orchestrator.reports.preview.memory import Memory, marker, recall, remember
from orchestrator.reports.preview.words import counted, headline, outlook, overruled_lines

_ROOM_FOR_NAMES: Final = 600
_ROOM_FOR_LOSSES: Final = 300
_SHARE_OF_MEMORY: Final = 8  # one in so many characters of a comment
_SHARE_OF_NOTES: Final = 8
_SHARE_OF_NAMES: Final = 10
_MOST_SPELLED: Final = 5
_MOST_OF_A_CAUSE: Final = 5  # lines of a message that count as the cause itself

Redact = Callable[[str], str]


def comment(preview: Preview, *, limit: int, redact: Redact = str, previous: str = "") -> str:
    """Return a request's comment, at most ``limit`` characters long, ending in a newline.

    ``redact`` takes secrets out of every text before it is cut; ``previous`` is the text of the comment that
    this one takes the place of, so that what changed can be told. Raises ValueError for a limit that is too small.
    """
    hidden = remember(preview)
    kept = (
        hidden if size(hidden) <= limit // _SHARE_OF_MEMORY else remember(preview, plans=False),
    )
    memory = recall(previous)
    # Otherwise nobody knows what became of the plans.
    compared = memory and memory.whole and preview.error is None
    more = (
        *_paragraph(_notes(preview, redact, limit=limit)),
        *_paragraph(_since(memory, preview) if memory and compared else ()),
    )
    if not any(map(loud, preview.stacks)) and preview.error is None:
        closing = (*more, "", *kept) if more else kept
        lines = (marker(preview.configuration), _without_effect(preview), *closing)
        return "\n".join(lines) + "\n"
    document = Document(
        opening=(
            marker(preview.configuration),
            f"### {headline(preview)}",
            *_lost(preview, redact),
            *more,
        ),
        blocks=blocks_of(preview, redact),
        closing=(*_closing(preview, limit=limit), "", *kept),
    )
    return fitted(document, limit, render)


def _paragraph(found: Iterable[str]) -> Iterator[str]:
    """Yield lines that stand apart from those before them; nothing where there are none."""
    lines = [*found]
    yield from ("", *lines) if lines else ()


def _lost(preview: Preview, redact: Redact) -> Iterator[str]:
    """Yield a sentence that names what loses data, which nobody should have to open something for."""
    names = [
        f"{code(redact(name))} in {code(each.name)}"
        for each in sorted(preview.stacks, key=lambda each: each.name)
        for lost in ([*losses(each.plan)] if each.plan else [],)
        for name in named(lost, lost)
    ]
    if names:
        yield ""
        yield f"**Data is lost:** {_some(names, separator=', ', room=_ROOM_FOR_LOSSES)}."


def loud(preview: StackPreview) -> bool:
    """Whether there is more to say of a stack than that nothing changes in it."""
    plan = preview.plan
    if plan is None or preview.refusals or preview.overruled or preview.unjudged:
        return True
    return plan.effective or bool(plan.drifted) or any(unit.unsettled for unit in plan.units)


def blocks_of(preview: Preview, redact: Redact) -> tuple[Block, ...]:
    """Return the sections of a preview: what failed, then the plans that do something, each by its name."""
    stacks = sorted(preview.stacks, key=lambda each: each.name)
    whole = [_failure("merge", preview.error, redact)] if preview.error else []
    failed = [
        _failure(each.name, each.error, redact, also=overruled_lines(each))
        for each in stacks
        if each.error
    ]
    planned = [
        _planned(each, with_sentences_redacted(each.plan, redact), redact)
        for each in stacks
        if each.plan and loud(each)
    ]
    return (*whole, *failed, *planned)


def _failure(
    name: str, error: OrchestratorError, redact: Redact, *, also: Iterable[str] = ()
) -> Block:
    message = [f"  {line(text)}" for text in broken(redact(error.message))]
    below = [text for part in _explained(error, redact) for text in broken(redact(part))]
    hint = [f"  hint: {line(text)}" for text in broken(redact(error.hint))] if error.hint else []
    ranked = (
        *((Rank.ERROR, text) for text in message[:1]),
        *((Rank.MORE_OF_ERROR, text) for text in message[1:_MOST_OF_A_CAUSE]),
        *((Rank.DETAIL_OF_ERROR, text) for text in message[_MOST_OF_A_CAUSE:]),
        *((Rank.DETAIL_OF_ERROR, f"    {line(text)}".rstrip()) for text in below),
        *((Rank.HINT, text) for text in hint),
        *((Rank.HINT, line(redact(text))) for text in also),
    )
    pieces = tuple(Piece(rank=rank, lines=(text,), counted="lines") for rank, text in ranked)
    return Block(
        name=name,
        summary="could not be planned",
        groups=(Group(pieces=pieces),),
        language="text",
        rank=Rank.ERROR,
        counted="failures",
        folded=False,
    )


def _explained(error: OrchestratorError, redact: Redact) -> Iterator[str]:
    """Yield what stands below an error's message: its mistakes, and its detail."""
    if isinstance(error, InvalidStack):
        mistakes = tuple(_mistake(each, redact) for each in error.mistakes)
        text = render_error(InvalidStack(mistakes))
        yield text[: text.rindex("\n\nerror: ")]
    if error.detail:
        yield error.detail


def _mistake(mistake: Mistake, redact: Redact) -> Mistake:
    """Return a mistake without secrets, before the line that it quotes is cut."""
    place = mistake.place and replace(mistake.place, text=redact(mistake.place.text))
    related = mistake.related and replace(mistake.related, text=redact(mistake.related.text))
    message, hint = redact(mistake.message), redact(mistake.hint)
    return replace(mistake, message=message, hint=hint, place=place, related=related)


def _planned(preview: StackPreview, plan: Plan, redact: Redact) -> Block:
    return Block(
        name=preview.name,
        summary=outlook(preview),
        groups=tuple(diff_of(preview, plan, redact)),
        language="diff",
        rank=Rank.STACK,
        counted="plans",
        reasons=tuple(map(redact, preview.reasons)),
        digest=digest(plan)[:SHOWN] if plan.effective else "",
        commands=(*_approval(preview, plan), *_commands(plan, redact)) if plan.effective else (),
    )


def _approval(preview: StackPreview, plan: Plan) -> Iterator[str]:
    """Yield what approves a plan that has to be approved before it passes."""
    if preview.ruling is not Ruling.PASSES:
        named = f"{quote(plan.stack)} --env {quote(plan.environment)}"
        yield f"orchestrator approve {digest(plan)[:SHOWN]} {named}"


def _commands(plan: Plan, redact: Redact) -> Iterator[str]:
    """Yield what applies a plan, with what has to be acknowledged for it."""
    words = [*_acknowledgements(plan, redact)]
    flags = "".join(f" --acknowledge {quote(word)}" for word in words[:_MOST_SPELLED])
    verb = "destroy" if plan.destroy else "apply"
    yield f"orchestrator {verb} {quote(plan.stack)} --env {quote(plan.environment)}{flags}"


def _acknowledgements(plan: Plan, redact: Redact) -> Iterator[str]:
    """Yield what acknowledges each loss, or all of a unit where a name cannot be typed as it is shown."""
    lost = losses(plan)
    names = named(lost, lost)
    if len(names) <= _MOST_SPELLED and all(_can_be_typed(name, redact) for name in names):
        yield from names
        return
    yield from dict.fromkeys(f"destroy:{one.unit}" for one in lost)


def _can_be_typed(name: str, redact: Redact) -> bool:
    return line(redact(name)) == name and REPLACEMENT not in name


def _since(memory: Memory, preview: Preview) -> Iterator[str]:
    """Yield a sentence about what became of the plans of an earlier comment."""
    told = []
    for each in sorted(preview.stacks, key=lambda each: each.name):
        before, now = memory.plans.get(each.name), outlook(each)
        if before is None:
            told.append(f"{code(each.name)} is new")
        elif before.digest != (digest(each.plan)[:16] if each.plan else ""):
            other = f"was {code(before.outlook)}, is {code(now)}"
            alike = f"is {code(now)} as before, by another plan: of other things or values, by other code or elsewhere"
            told.append(f"{code(each.name)} {alike if before.outlook == now else other}")
    gone = memory.plans.keys() - {each.name for each in preview.stacks}
    told += [f"{code(name)} is not touched any more" for name in sorted(gone)]
    same = "nothing changed" if not told else _some(told, separator="; ")
    yield f"Since the comment on {code(memory.head[:10])}: {same}."


def _without_effect(preview: Preview) -> str:
    if not preview.stacks:
        return "Merging touches no stack."
    return f"Merging changes nothing in {_names(preview.stacks)}."


def _notes(preview: Preview, redact: Redact, *, limit: int) -> Iterator[str]:
    """Yield the first sentences about the whole, and how many more there are."""
    told = [f"- {code(redact(note))}" for note in preview.notes]
    room = limit // _SHARE_OF_NOTES
    shown = [*_first(told[:_MOST_SPELLED], room=room, between=1)]
    yield from shown
    if len(told) > len(shown):
        yield f"- left out: {counted(Counter({'notes': len(told) - len(shown)}))}"


def _closing(preview: Preview, *, limit: int) -> Iterator[str]:
    quiet = tuple(each for each in preview.stacks if not loud(each))
    if quiet:
        room = min(_ROOM_FOR_NAMES, limit // _SHARE_OF_NAMES)
        yield f"Nothing changes in {_names(quiet, room=room)}."
        yield ""
    run = f" by [this run]({preview.ci_run})" if ADDRESS.fullmatch(preview.ci_run) else ""
    yield f"Planned{run}: {code(preview.head[:10])} merged into {code(preview.base[:10])}."


def _names(previews: tuple[StackPreview, ...], *, room: int = _ROOM_FOR_NAMES) -> str:
    return _some(sorted(code(each.name) for each in previews), separator=", ", room=room)


def _some(parts: list[str], *, separator: str, room: int = _ROOM_FOR_NAMES) -> str:
    """Return parts joined, as many as there is room for, and how many more there are."""
    shown = [*_first(parts, room=room, between=len(separator))]
    more = len(parts) - len(shown)
    return separator.join(shown) + (f" and {more} more" if more else "")


def _first(parts: list[str], *, room: int, between: int) -> Iterator[str]:
    """Yield parts as long as there is room for them, and ``between`` more after each; the first in any case."""
    for place, part in enumerate(parts):
        room -= size(part) + between
        if room < 0 and place:
            return
        yield part

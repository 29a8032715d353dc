"""The whole of a preview as a page in HTML, for a CI to keep beside the comment: nothing is left out for length."""

import html
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from orchestrator.plans.change import Action, FieldChange
from orchestrator.plans.plan import Plan
from orchestrator.plans.preview import Preview
from orchestrator.plans.values import Absent, Masked, Redacted, Unknown, Value
from orchestrator.reports.fields import render_fields
from orchestrator.reports.preview.blocks import Block, Piece
from orchestrator.reports.preview.comment import blocks_of, loud
from orchestrator.reports.preview.harmless import LONGEST_LINE, code_in_html, seen
from orchestrator.reports.preview.words import headline

_SHORTENED: Final = "…"
_COLOURS: Final = {"+": "added", "-": "removed", "!": "changed", "@": "unit"}
# Nothing in a plan may load or run anything, wherever the page is opened.
_HEAD: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }}
pre {{ background: #f6f8fa; border-radius: 6px; overflow-x: auto; padding: 1rem }}
.added {{ background: #dafbe1; color: #116329 }}
.removed {{ background: #ffebe9; color: #82071e }}
.changed {{ background: #fff8c5; color: #7d4e00 }}
.unit {{ color: #8250df; font-weight: bold }}
summary {{ cursor: pointer; font-size: 1.1rem; margin: 1rem 0 }}
</style>
</head>
<body>
"""


def page(preview: Preview, redact: Callable[[str], str] = str) -> str:
    """Return a preview as a page that stands alone; ``redact`` takes secrets out of every text."""
    return "".join(f"{each}\n" for each in _lines(preview, redact))


def _lines(preview: Preview, redact: Callable[[str], str]) -> Iterator[str]:
    title = html.escape(headline(preview))
    yield _HEAD.format(title=title) + f"<h1>{title}</h1>"
    merged = (code_in_html(preview.head), code_in_html(preview.base))
    yield "<p>{} merged into {}</p>".format(*merged)
    for note in preview.notes:
        yield f"<p>{code_in_html(redact(note))}</p>"
    plans = {each.name: each.plan for each in preview.stacks if each.plan}
    for block in blocks_of(preview, redact):
        yield from _section(block, plans.get(block.name), redact)
    quiet = sorted(each.name for each in preview.stacks if not loud(each))
    if quiet:
        yield f"<p>Nothing changes in {', '.join(map(code_in_html, quiet))}.</p>"
    yield "</body>\n</html>"


def _section(block: Block, plan: Plan | None, redact: Callable[[str], str]) -> Iterator[str]:
    yield f"<details open><summary>{code_in_html(block.name)} {html.escape(block.summary)}</summary>"
    for reason in block.reasons:
        yield f"<p>{code_in_html(reason)}</p>"
    texts = (text for group in block.groups for text in _texts(group.heading, group.pieces))
    yield f"<pre>{''.join(map(_coloured, texts))}</pre>"
    if plan is not None:
        yield from _whole_values(plan, redact)
    if block.digest:
        yield f"<p>Digest {code_in_html(block.digest)}</p>"
    if block.commands:
        yield f"<pre>{''.join(map(_plain, block.commands))}</pre>"
    yield "</details>"


def _whole_values(plan: Plan, redact: Callable[[str], str]) -> Iterator[str]:
    """Yield the values that a diff shortens, as they are."""
    changes = [each for unit in plan.units for each in (*unit.drift, *unit.changes)]
    shown = [each for each in changes if each.action is not Action.DELETE]
    found = [(each.name, item) for each in shown for item in each.fields if _is_shortened(item)]
    if not found:
        return
    counted = "1 value" if len(found) == 1 else f"{len(found)} values"
    yield f"<details><summary>{counted} in full</summary>"
    for name, item in found:
        yield f"<p>{code_in_html(redact(name))} {code_in_html(redact(item.path))}</p>"
        for word, value in (("was", item.before), ("is", item.after)):
            if text := _whole(value):
                lines = map(seen, redact(text).split("\n"))
                yield f"<p>{word}</p>\n<pre>{''.join(map(_plain, lines))}</pre>"
    yield "</details>"


def _is_shortened(item: FieldChange) -> bool:
    lines = render_fields((item,), indent=0)
    return any(_SHORTENED in text or len(text) > LONGEST_LINE for text in lines)


def _whole(value: Value) -> str:
    match value:
        case Absent() | Masked() | Unknown():
            return ""
        case Redacted():
            return _whole(value.value)
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False, indent=2)


def _texts(heading: str, pieces: Iterable[Piece]) -> Iterator[str]:
    lines = [text for piece in pieces for text in piece.lines]
    if heading and lines:
        yield heading
    yield from lines


def _coloured(text: str) -> str:
    colour = _COLOURS.get(text[:1])
    return f'<span class="{colour}">{html.escape(text)}</span>\n' if colour else _plain(text)


def _plain(text: str) -> str:
    return f"{html.escape(text)}\n"

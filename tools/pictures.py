"""Show golden comments as a forge shows them: ``python -m tools.pictures [WORD …]`` writes a PNG for each.

The Markdown goes through a real parser, gets the looks of a forge, and is photographed by headless Chromium, which has
to be on PATH (Debian's package ``chromium``): as the comment meets the eye, and below that with its sections opened.
Words choose comments whose names have one of them; without any, all are done. They are for people to look at, and kept
in ``.orchestrator/pictures``, which Git ignores.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from markdown_it import MarkdownIt

_ROOT = Path(__file__).resolve().parent.parent
_GOLDEN = _ROOT / "tests" / "reports" / "preview" / "golden"
_PICTURES = _ROOT / ".orchestrator" / "pictures"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_WIDTH, _TALLEST = 980, 8_000
_HEIGHT = re.compile(r'data-height="(\d+)"')
_AT_ONCE = 2
_COLOURS = {"+": "added", "-": "removed", "!": "changed", "@": "unit", "#": "aside"}
_PAGE = """\
<!doctype html><html><head><meta charset="utf-8"><style>
body { background: #f6f8fa; color: #1f2328; font: 14px/1.5 "Liberation Sans", Arial, sans-serif }
body { margin: 0; padding: 16px }
article { background: #fff; border: 1px solid #d1d9e0; border-radius: 6px }
article { margin: 0 0 16px; padding: 16px; width: 860px }
article > :first-child { margin-top: 0 } article > :last-child { margin-bottom: 0 }
h3 { font-size: 1.25em; margin: 0 0 16px } p, ul, pre, details { margin: 0 0 16px }
code { background: #818b981f; border-radius: 6px; font: 12px "Liberation Mono", monospace; padding: .2em .4em }
pre { background: #f6f8fa; border-radius: 6px; font: 12px/1.45 "Liberation Mono", monospace }
pre { overflow: hidden; padding: 16px }
pre code { background: none; padding: 0 } summary { cursor: pointer } a { color: #0969da }
.added { background: #dafbe1; color: #116329 } .removed { background: #ffebe9; color: #82071e }
.changed { background: #ffd8b5; color: #953800 } .unit { color: #8250df; font-weight: bold } .aside { color: #59636e }
</style></head><body>
"""
_MEASURE = (
    "<script>document.documentElement.dataset.height = document.body.scrollHeight</script></body>"
)


def main(words: list[str]) -> int:
    """Write the pictures of the golden comments that were asked for, and return the exit code."""
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        sys.stderr.write("there is no Chromium on PATH: apt-get install chromium\n")
        return 1
    chosen = [file for file in sorted(_GOLDEN.glob("*.md")) if _is_asked_for(file, words)]
    _PICTURES.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for picture in pool.map(lambda file: _photograph(browser, file), chosen):
            print(picture.relative_to(_ROOT))  # noqa: T201  what it is run for
    return 0 if chosen else 1


def page_of(comment: str) -> str:
    """Return a page that shows a comment as it meets the eye, and once more with its sections opened. Pure."""
    parser = MarkdownIt("commonmark", {"html": True, "highlight": _highlighted}).enable("table")
    shown = parser.render(comment)
    opened = shown.replace("<details>", "<details open>")
    articles = (f"<article>{each}</article>" for each in dict.fromkeys((shown, opened)))
    return f"{_PAGE}{''.join(articles)}{_MEASURE}</html>\n"


def _is_asked_for(file: Path, words: list[str]) -> bool:
    return not words or any(word in file.stem for word in words)


def _highlighted(text: str, language: str, _attributes: str) -> str:
    return "\n".join(_lines(text, language == "diff"))


def _lines(text: str, is_diff: bool) -> Iterator[str]:  # noqa: FBT001  one question, asked in one place
    for line in text.split("\n"):
        colour = _COLOURS.get(line[:1]) if is_diff else None
        shown = html.escape(line)
        yield f'<span class="{colour}">{shown}</span>' if colour else shown


def _photograph(browser: str, file: Path) -> Path:
    picture = _PICTURES / f"{file.stem.replace(' ', '-')}.png"
    with tempfile.TemporaryDirectory() as folder:
        shown = Path(folder) / "page.html"
        shown.write_text(page_of(file.read_text(encoding="utf-8")), encoding="utf-8")
        common = (
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            f"--user-data-dir={folder}/profile",
        )
        told = _run(*common, "--dump-dom", shown.as_uri())
        found = _HEIGHT.search(told)
        height = min(int(found[1]) + 32, _TALLEST) if found else _TALLEST
        _run(*common, f"--window-size={_WIDTH},{height}", f"--screenshot={picture}", shown.as_uri())
    return picture


def _run(*command: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return ended.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

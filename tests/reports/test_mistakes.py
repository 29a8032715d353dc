"""Mistakes as text: what a person sees, sign by sign."""

from orchestrator.errors import Mistake, Place
from orchestrator.reports.mistakes import render


def place(text: str, column: int, line: int = 12) -> Place:
    """Build a place in a stack file."""
    return Place(file="stacks/shop/stack.yaml", line=line, column=column, text=text)


def test_a_mistake_shows_its_line_with_a_caret_and_a_hint() -> None:
    """Place and message first, so that editors can jump there."""
    mistake = Mistake(
        message="unknown key 'imputs' in modules.network",
        place=place("    imputs: {cidr: 10.20.0.0/16}", 5),
        hint="did you mean 'inputs'?",
    )
    assert render([mistake]) == (
        "stacks/shop/stack.yaml:12:5: unknown key 'imputs' in modules.network\n"
        "  12 |     imputs: {cidr: 10.20.0.0/16}\n"
        "     |     ^\n"
        "  hint: did you mean 'inputs'?\n"
    )


def test_a_second_place_is_shown_with_its_own_line() -> None:
    """Both definitions of something that stands twice can be compared."""
    mistake = Mistake(
        message="the key 'a' stands twice in the same map",
        place=place("a: 2", 1, 9),
        hint="remove one of the two, or merge them",
        related=place("a: 1", 1, 3),
    )
    assert render([mistake]) == (
        "stacks/shop/stack.yaml:9:1: the key 'a' stands twice in the same map\n"
        "  9 | a: 2\n"
        "    | ^\n"
        "  hint: remove one of the two, or merge them\n"
        "  see also stacks/shop/stack.yaml:3:1\n"
        "  3 | a: 1\n"
        "    | ^\n"
    )


def test_mistakes_are_apart() -> None:
    """An empty line stands between two, and one without place or hint is its message."""
    assert render([Mistake(message="first"), Mistake(message="second", hint="h")]) == (
        "first\n\nsecond\n  hint: h\n"
    )
    assert render([]) == ""


def test_the_caret_stands_below_its_sign_in_wide_writing() -> None:
    """Signs that take two columns, or none, are counted as a terminal shows them."""
    text = render([Mistake(message="m", place=place("{日本: é}", 6))])
    assert text.splitlines()[1:] == ["  12 | {日本: é}", "     |        ^"]


def test_nothing_in_a_line_moves_the_cursor() -> None:
    """Tabs are one blank wide, and control characters are replaced: a file cannot colour a terminal."""
    text = render([Mistake(message="m", place=place("\ta: \x1b[31mred\x07", 2))])
    assert text.splitlines()[1:] == [
        "  12 |  a: \N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}",
        "     |  ^",
    ]


def test_of_a_long_line_the_part_around_the_caret_is_shown() -> None:
    """A line of JSON does not fill the screen."""
    line = "{" + "x" * 500 + "HERE" + "y" * 500 + "}"
    shown, caret = render([Mistake(message="m", place=place(line, 502))]).splitlines()[1:]
    assert len(shown) < 115
    assert shown[caret.index("^") :].startswith("HERE")
    assert shown.startswith("  12 | …")
    assert shown.endswith("…")


def test_a_long_line_is_cut_at_its_end_only_when_the_caret_is_near_its_start() -> None:
    """The beginning of the line stays when it can."""
    shown, caret = render([Mistake(message="m", place=place("key: " + "x" * 500, 1))]).splitlines()[
        1:
    ]
    assert shown.startswith("  12 | key: x")
    assert caret == "     | ^"


def test_an_empty_line_is_not_shown() -> None:
    """At the end of a file there is nothing to point at."""
    assert render([Mistake(message="m", place=place("", 1))]) == "stacks/shop/stack.yaml:12:1: m\n"

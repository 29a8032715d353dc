"""Text that is not the YAML that somebody meant, and what they are told."""

import pytest

from orchestrator.errors import InvalidStack
from orchestrator.stack.yaml import decode, parse
from tests.stack.stack_files import told

_CHECK_INDENT = "check the indentation of this line and of those above it"
_COLON = (
    "a ':' is not expected here"
    f" | {_CHECK_INDENT}, or put quotes around the text when it contains ': '"
)
_NO_COLON = (
    "a key without ':' | write 'key: value',"
    " or quote or indent the text if it belongs to the lines above"
)
_NOT_IN_MAP = f"this line does not belong to the map above it | {_CHECK_INDENT}"
_OPEN_LIST = "this '[' is not closed, or a ',' is missing after it | add the ']' or the ','"
_OPEN_MAP = "this '{' is not closed, or a ',' is missing after it | add the '}' or the ','"
_OPEN_QUOTE = "this quote is never closed | add the closing quote"
_EXPRESSION = (
    'an expression inside [...] or {...} needs quotes | write "${{ ... }}" with the quotes'
)
_CONFLICT = (
    "a merge conflict that was not resolved"
    " | choose one side, and remove the lines with <<<<<<<, ======= and >>>>>>>"
)
_TOO_DEEP = "this is nested more than 200 levels deep | write it with fewer levels"
_TWICE = "stands twice in the same map | remove one of the two, or merge them"
_QUOTE = "put quotes around the text"
_TAGLESS = "write the value itself, without the tag"


def mistakes(text: str) -> list[str]:
    """Return what is wrong with ``text``, one line each."""
    with pytest.raises(InvalidStack) as caught:
        parse(text, "file.yaml")
    return [told(mistake) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: b: c", f"1:5 {_COLON}"),
        ("a: 1\n b: 2", f"2:3 {_COLON}"),
        ("hello\nworld: 1", f"2:6 {_COLON}"),
        ("a: 1\nfoo\nb: 2", f"2:1 {_NO_COLON}"),
        ("a: 1\n- b", f"2:1 {_NOT_IN_MAP}"),
        ("a:\n  b: 1\n - c\n", f"3:2 {_NOT_IN_MAP}"),
        ("a: |\n  x\n y\n", f"3:2 {_NOT_IN_MAP}"),
        ("- a\nb: 1", f"2:1 this line does not belong to the list above it | {_CHECK_INDENT}"),
        ("a: - b", f"1:4 a list cannot start here | {_CHECK_INDENT}"),
        ("a:\n\tb: 1", "2:1 a tab cannot indent YAML | use spaces"),
        ("a: @x", f"1:4 text cannot start with '@' | {_QUOTE}"),
        ("a: `x`", f"1:4 text cannot start with '`' | {_QUOTE}"),
        ("a: %x", f"1:4 text cannot start with '%' | {_QUOTE}"),
        ("a: *.txt", f"1:4 text cannot start with '*' | {_QUOTE}"),
        ("a: & b", f"1:4 text cannot start with '&' | {_QUOTE}"),
        ('a: "x\nb: 1\n', f"1:4 {_OPEN_QUOTE}"),
        ("a: 'x\nb: 1\n", f"1:4 {_OPEN_QUOTE}"),
        ("a: [1, 2\nb: 3", f"1:4 {_OPEN_LIST}"),
        ("a: {b: 1\n", f"1:4 {_OPEN_MAP}"),
        ("{a: 1 b: 2}", f"1:1 {_OPEN_MAP}"),
        ("a: {b: ${{ x }}}", f"1:8 {_EXPRESSION}"),
        ("a: [${{ x }}]", f"1:5 {_EXPRESSION}"),
        (
            "a: [",
            (
                "1:5 the file ends where a value is expected"
                " | close what was opened by '[', '{' or a quote above"
            ),
        ),
        ("a: }", f"1:4 a value is expected here | write one, or {_QUOTE}"),
        (
            'a: "\\q"',
            (
                "1:5 unknown escape after the backslash"
                " | use single quotes, in which a backslash is itself"
            ),
        ),
        ("a: |x\n", "1:5 nothing but a comment may follow here | start the text on the next line"),
        ("%YAML 3.0\n---\na", "1:1 this version of YAML is not supported | remove the %YAML line"),
        (
            "a: *base",
            (
                "1:4 the anchor 'base' is not defined above"
                " | put quotes around it, or define &base above"
            ),
        ),
        (
            "x: &base {}\na: *bsae",
            "2:4 the anchor 'bsae' is not defined above | did you mean 'base'?",
        ),
        (
            "a: &x 1\nb: &x 2\n",
            "2:4 this anchor is defined twice | give one of them another name",
        ),
        (
            "a: \x01",
            (
                "1:4 the character U+0001 is not allowed in YAML"
                " | remove it; editors often show it as a blank or not at all"
            ),
        ),
        ("a: \udc80", "1:4 the file holds half a character | save the file as UTF-8"),
        (
            "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n",
            f"2:1 {_CONFLICT}",
        ),
        ("[" * 100_000, f"1:200 {_TOO_DEEP}"),
        ("a:\n" + "- " * 100_000, f"2:397 {_TOO_DEEP}"),
        ("[" * 201 + "]" * 201, f"1:200 {_TOO_DEEP}"),
    ],
)
def test_what_stops_the_parser_is_told_in_words_that_help(text: str, expected: str) -> None:
    """A syntax error has the place at which to look, what is wrong and what to do."""
    assert mistakes(text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", f"3:1 the key 'a' {_TWICE}"),
        ('{"a": 1, "a": 2}', f"1:10 the key 'a' {_TWICE}"),
        ("1: a\n'1': b", f"2:1 the key '1' {_TWICE}"),
        ("a: {{ .Values.x }}", "1:5 a map cannot be a key | quote the text if it starts with '{{'"),
        ("? [a]\n: 1", "1:3 a list cannot be a key | quote the text if it starts with '['"),
        ("?\n: 1", "1:2 the key before ':' is missing | write a key, or quote the text"),
        (
            "a: 0644",
            (
                "1:4 the number 0644 starts with a zero, which readers of YAML understand differently"
                ' | write "0644" for text, or 0o644 for an octal number'
            ),
        ),
        (
            "account: 012345678901",
            (
                "1:10 the number 012345678901 starts with a zero,"
                ' which readers of YAML understand differently | write "012345678901" for text'
            ),
        ),
        ("a: .inf", '1:4 .inf is not a number that JSON can hold | write ".inf" if you mean text'),
        ("a: 1e999", '1:4 1e999 is too large for a number | write "1e999" if you mean text'),
        ("[1e999]", '1:2 1e999 is too large for a number | write "1e999" if you mean text'),
        (
            f"a: {'9' * 5000}",
            "1:4 a number of 5000 digits is too long | put quotes around it",
        ),
        ("a: !Ref b", f"1:4 the tag !Ref is not supported | {_TAGLESS}"),
        ("a: !!binary aGk=", f"1:4 the tag !!binary is not supported | {_TAGLESS}"),
        ("a: !!set {x}", f"1:4 the tag !!set is not supported | {_TAGLESS}"),
        (
            "a: !!int x",
            "1:4 'x' does not fit the tag !!int | remove the tag, or write a value that fits",
        ),
        (
            "<<: x",
            '1:5 only maps can be merged with << | write "<<" in quotes for a key of that name',
        ),
        (
            "a: &a [*a]",
            (
                "1:4 this contains itself, or aliases nest it more than 200 levels deep"
                " | write it out, with fewer levels or aliases"
            ),
        ),
    ],
)
def test_what_has_no_sure_meaning_is_refused(text: str, expected: str) -> None:
    """A value that readers understand differently, or that JSON cannot hold, is never guessed."""
    assert mistakes(text) == [expected]


def test_aliases_do_not_multiply() -> None:
    """A small file cannot become a large value."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)
    ]
    (message,) = mistakes("\n".join(lines))
    assert "aliases multiply to more than 100,000 values" in message


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    """Reading goes on after a mistake, in the same document and in the next ones, up to a syntax error."""
    text = "a: 1\na: 2\nb: !x 1\n---\nc: 010\n---\nd: [\n"
    assert [message.split(" ")[0] for message in mistakes(text)] == ["2:1", "3:4", "5:4", "8:1"]


def test_a_duplicate_key_names_both_places() -> None:
    """Each repetition is told, with the first definition as the related place."""
    with pytest.raises(InvalidStack) as caught:
        parse("a: 1\nb: 2\na: 3\na: 4", "file.yaml")
    found = [(str(mistake.place), str(mistake.related)) for mistake in caught.value.mistakes]
    assert found == [("file.yaml:3:1", "file.yaml:1:1"), ("file.yaml:4:1", "file.yaml:1:1")]


def test_bytes_that_are_not_utf8_are_named_by_their_place() -> None:
    """The line and the byte in it are told."""
    with pytest.raises(InvalidStack) as caught:
        decode(b"a: 1\nb: \xff\n", "file.yaml")
    assert (
        told(caught.value.mistakes[0]) == "2:4 the file is not UTF-8 text | save the file as UTF-8"
    )

"""Expressions: what they read, how values keep their types, and what is told when they cannot be read."""

from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import InvalidStack, Place
from orchestrator.stack.expressions import (
    Output,
    Pending,
    Resolution,
    Scope,
    Tree,
    locate_in,
    pending_in,
    references,
    resolve,
)
from orchestrator.stack.model import Json
from orchestrator.stack.reference import Reference, parse_scalar, spell
from orchestrator.stack.scope import NOT_KNOWN, Partly
from orchestrator.stack.yaml import parse
from tests.stack.stack_files import told

_SCOPE = Scope(
    stack="shop",
    environment="production",
    revision="3f2c1a9",
    unit="modules.database",
    vars={
        "name": "web",
        "replicas": 2,
        "ratio": 0.5,
        "on": True,
        "nothing": None,
        "zones": ["a", "b"],
        "sizes": {"small": 1, "a.b": 2, "": 3},
    },
    outputs={
        "network": {
            "id": Output(value="vpc-1"),
            "subnets": Output(value=[{"id": "s-1"}, {"id": "s-2"}]),
            "password": Output(value={"old": "hunter2"}, sensitive=True),
            "later": Output(known=False),
            "secret_later": Output(known=False, sensitive=True),
        },
        "cluster": None,
    },
)
_relaxed = settings(deadline=None, max_examples=200)
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_VALUES: st.SearchStrategy[Json] = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def resolved(text: str) -> Resolution:
    """Resolve one text in the scope of these tests."""
    return resolve(text, _SCOPE)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ vars.replicas }}", 2),
        ("${{vars.replicas}}", 2),
        ("${{\n  vars.replicas\n}}", 2),
        ("${{ vars.ratio }}", 0.5),
        ("${{ vars.on }}", True),
        ("${{ vars.nothing }}", None),
        ("${{ vars.zones }}", ["a", "b"]),
        ("${{ vars.zones[1] }}", "b"),
        ("${{ vars.sizes.small }}", 1),
        ('${{ vars.sizes["a.b"] }}', 2),
        ('${{ vars.sizes[""] }}', 3),
        ("${{ modules.network.subnets[1].id }}", "s-2"),
        ("${{ stack }}", "shop"),
        ("${{ environment }}", "production"),
        ("${{ unit }}", "modules.database"),
        ("${{ revision }}", "3f2c1a9"),
    ],
)
def test_a_whole_scalar_keeps_the_type(text: str, value: Json) -> None:
    """A scalar that is one reference becomes the value itself."""
    found = resolved(text)
    assert found == Resolution(value=cast(Tree, value))
    assert type(found.value) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ vars.name }}-${{ vars.replicas }}", "web-2"),
        (" ${{ vars.replicas }}", " 2"),
        ("${{ vars.replicas }}\n", "2\n"),
        ("on: ${{ vars.on }}", "on: true"),
        ("${{ vars.ratio }}x", "0.5x"),
        ("$${{ vars.name }}", "${{ vars.name }}"),
        ("$$${{ vars.name }}", "$${{ vars.name }}"),
        ("$${{", "${{"),
        ("$${{ ${{ vars.name }} }}", "${{ web }}"),
        (
            "$ {{ x }} ${x} $(x) {{ .Values.x }} ${ {x}}",
            "$ {{ x }} ${x} $(x) {{ .Values.x }} ${ {x}}",
        ),
        ("${{ vars.name }}}}", "web}}"),
    ],
)
def test_anywhere_else_a_reference_becomes_text(text: str, value: str) -> None:
    """Numbers and words are written as in JSON, and what looks similar in other languages is left alone."""
    assert resolved(text) == Resolution(value=cast(Tree, value))


def test_values_cannot_inject_structure() -> None:
    """What a value holds is never read again: neither as YAML nor as an expression."""
    scope = Scope(stack="s", environment="e", vars={"x": "${{ stack }}\nb: 1"})
    assert resolve({"a": "${{ vars.x }}", "c": "-${{ vars.x }}"}, scope).value == {
        "a": "${{ stack }}\nb: 1",
        "c": "-${{ stack }}\nb: 1",
    }


def test_pending_values_are_never_guessed() -> None:
    """A text that needs anything unknown is pending as a whole, with everything unknown that it waits for."""
    value: Json = {
        "whole": "${{ modules.cluster.endpoint }}",
        "text": "https://${{ modules.network.later }}:${{ vars.replicas }}/${{ modules.cluster.id }}",
        "known": "${{ modules.network.id }}",
        "deep": ["${{ modules.network.later.key[0] }}"],
    }
    found = resolve(value, _SCOPE)
    assert found.value == {
        "whole": Pending(references=("modules.cluster.endpoint",)),
        "text": Pending(references=("modules.cluster.id", "modules.network.later")),
        "known": "vpc-1",
        "deep": [Pending(references=("modules.network.later.key[0]",))],
    }
    assert pending_in(found.value) == (
        "modules.cluster.endpoint",
        "modules.cluster.id",
        "modules.network.later",
        "modules.network.later.key[0]",
    )


def test_what_a_secret_went_into_is_sensitive() -> None:
    """The paths of all values that a sensitive output is part of are told, known or not."""
    value: Json = {
        "a": ["${{ modules.network.password }}", "open"],
        "b": "postgres://${{ modules.network.password.old }}@${{ modules.cluster.id }}",
        "c": "${{ modules.network.secret_later }}",
    }
    assert resolve(value, _SCOPE).sensitive == {("a", 0), ("b",), ("c",)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "${{ vars.replcas }}",
            "there is no variable 'replcas' in environment 'production' | did you mean 'replicas'?",
        ),
        ("${{ modules.netwrk.id }}", "there is no module 'netwrk' | did you mean 'network'?"),
        ("${{ modules.network.ID }}", "module 'network' has no output 'ID' | did you mean 'id'?"),
        ("${{ vars.sizes.smal }}", "vars.sizes has no key 'smal' | did you mean 'small'?"),
        (
            "${{ modules.network.password.odl }}",
            "modules.network.password has no key 'odl' | ",
        ),
        (
            "${{ vars.zones[2] }}",
            "vars.zones has 2 elements, so there is no [2] | the first one is [0]",
        ),
        (
            "${{ vars.zones.a }}",
            "vars.zones is a list and has no key 'a' | read one element of it, such as [0]",
        ),
        ("${{ vars.name.x }}", "vars.name is neither a map nor a list, so .x cannot be read | "),
        (
            "x${{ vars.zones }}",
            (
                "vars.zones is a list and cannot be part of a text"
                " | use it as the whole value, or read one element of it"
            ),
        ),
        (
            "x${{ vars.sizes }}",
            (
                "vars.sizes is a map and cannot be part of a text"
                " | use it as the whole value, or read one element of it"
            ),
        ),
        (
            "x${{ vars.nothing }}",
            "vars.nothing is null and cannot be part of a text | give it a value",
        ),
        (
            "${{ }}",
            "this expression is empty | write a path, such as ${{ vars.NAME }} or ${{ modules.NAME.OUTPUT }}",
        ),
        (
            "${{ vars.name",
            'this \'${{\' is never closed | close it with "}}", or write "$${{" for the text itself',
        ),
        (
            '${{ vars.sizes["a }}',
            (
                '${{ vars.sizes["a }} has a quote that is never closed'
                " | write a path, such as ${{ vars.NAME }} or ${{ modules.NAME.OUTPUT }}"
            ),
        ),
        (
            "${{ upper(vars.name) }}",
            (
                "${{ upper(vars.name) }} is not a path"
                " | there are no functions and operators here: compute it in a module and read its output"
            ),
        ),
        (
            "${{ vars.zones['a'] }}",
            "${{ vars.zones['a'] }} is not a path | write an index as [0] and a key as [\"key\"]",
        ),
        (
            "${{ vars.zones[-1] }}",
            '${{ vars.zones[-1] }} is not a path | write an index as [0] and a key as ["key"]',
        ),
        ("${{ var.name }}", "'var' is nothing that an expression can read | did you mean 'vars'?"),
        ("${{ vars }}", "'vars' needs the name of a variable | write ${{ vars.NAME }}"),
        ("${{ vars[0] }}", "'vars' needs the name of a variable | write ${{ vars.NAME }}"),
        (
            "${{ modules.network }}",
            "'modules.network' needs the name of an output | write ${{ modules.network.OUTPUT }}",
        ),
        (
            "${{ modules }}",
            "'modules' needs the names of a module and of an output | write ${{ modules.NAME.OUTPUT }}",
        ),
        ("${{ stack.name }}", "'stack' is a text without parts | write ${{ stack }}"),
        (
            "${{ manifests.web.ip }}",
            "manifest sets have no outputs | read what they read: a variable, or a module's output",
        ),
    ],
)
def test_what_cannot_be_read_is_a_mistake(text: str, expected: str) -> None:
    """The message says what is missing, and the hint the nearest thing that is there; secrets' keys are not told."""
    found = resolved(text)
    assert [told(mistake) for mistake in found.mistakes] == [expected]


def test_what_a_scope_does_not_hold_cannot_be_read() -> None:
    """Roots that make no sense at a place are refused there, with those that do."""
    scope = Scope(stack="s", environment="e", vars={})
    found = resolve(["${{ modules.a.b }}", "${{ unit }}", "${{ revision }}"], scope)
    hint = "what can: vars, stack, environment"
    assert [told(mistake) for mistake in found.mistakes] == [
        f"'modules' cannot be read here | {hint}",
        f"'unit' cannot be read here | {hint}",
        f"'revision' cannot be read here | {hint}",
    ]


def test_keys_hold_no_expressions() -> None:
    """A map's keys decide its structure, so they are written out."""
    document = parse("a:\n  x-${{ vars.name }}: 1\n", "file.yaml")[0]
    (mistake,) = resolve(document.value, _SCOPE, document.place).mistakes
    assert (
        told(mistake) == "2:3 a key cannot hold an expression | put the expression into the value"
    )
    with pytest.raises(InvalidStack):
        references(document.value)


def test_a_mistake_stands_at_its_expression() -> None:
    """The place is that of the expression inside the text, also in a text of many lines."""
    document = parse(
        "a: x ${{ vars.name }} ${{ vars.oops }}\nb: |\n  one\n  two ${{ vars.oops }}\n", "f"
    )[0]
    found = resolve(document.value, _SCOPE, document.place)
    assert [str(mistake.place) for mistake in found.mistakes] == ["f:1:23", "f:4:7"]


def test_places_of_a_unit_lead_to_the_expression() -> None:
    """Where only the place of the value is known, the expression is found in its line."""
    place = Place(file="f", line=3, column=6, text="  a: 'x ${{ vars.a }}'")
    locate = locate_in({("inputs", "a"): place}, ("inputs",))
    found = locate(("a",), within="${{ vars.a }}")
    assert found is not None
    assert found.column == 9
    assert locate(("a", "deeper", 0)) == place
    assert locate(("b",)) is None


def test_references_are_found_with_their_paths() -> None:
    """Every reference is told once per place where it is written, in order."""
    value: Json = {
        "a": ["${{ modules.x.y }}", "no"],
        "b": "${{ vars.c }}/${{ modules.x.z[0] }} $${{ vars.d }}",
    }
    found = [(path, item.path, item.unit, item.output) for path, item in references(value)]
    assert found == [
        (("a", 0), "modules.x.y", "modules.x", "y"),
        (("b",), "vars.c", None, None),
        (("b",), "modules.x.z[0]", "modules.x", "z"),
    ]


def test_all_unreadable_expressions_are_told_at_once() -> None:
    """One mistake does not hide the next."""
    with pytest.raises(InvalidStack) as caught:
        references(["${{ a }}", "${{ b", "${{ vars.c }}"])
    assert len(caught.value.mistakes) == 2


@_relaxed
@given(_VALUES)
def test_values_without_expressions_stay_what_they_are(value: Json) -> None:
    """Resolving changes nothing but expressions."""
    if "${{" not in str(value):
        assert resolve(value, _SCOPE) == Resolution(value=cast(Tree, value))


@_relaxed
@given(st.text())
def test_escaped_text_comes_back(text: str) -> None:
    """Any text can be written as a literal, by doubling the sign before the braces."""
    assert resolve(text.replace("${{", "$${{"), _SCOPE).value == text


@_relaxed
@given(st.text(alphabet='${}[]"\\. avrs0', max_size=30))
def test_no_text_makes_the_parser_fail(text: str) -> None:
    """Whatever somebody writes is text, a reference or a mistake."""
    joined = "".join(part if isinstance(part, str) else part.text for part in parse_scalar(text))
    assert joined or not text


@_relaxed
@given(_VALUES)
def test_a_whole_reference_yields_the_very_value(value: Json) -> None:
    """Whatever a variable holds arrives unchanged."""
    scope = Scope(stack="s", environment="e", vars={"x": value})
    assert resolve({"a": "${{ vars.x }}"}, scope).value == {"a": value}


@_relaxed
@given(st.lists(st.text() | st.integers(0, 10**8), min_size=1))
def test_paths_read_back_as_they_are_spelt(segments: list[str | int]) -> None:
    """The canonical spelling of a path is an expression for it."""
    path = spell("vars", ("x", *segments))
    (part,) = parse_scalar(f"${{{{ {path} }}}}")
    assert isinstance(part, Reference)
    assert part.segments == ("x", *segments)
    assert part.path == path


def test_what_is_known_in_part_is_read_and_the_rest_waits() -> None:
    """A value that is known in part is not pending as a whole: each missing part waits for its own path."""
    parts: Partly = {
        "port": 5432,
        "host": NOT_KNOWN,
        "tags": {"a b": NOT_KNOWN, "x": ["y"]},
        "ids": ["i", NOT_KNOWN, {"a": NOT_KNOWN}],
    }
    scope = Scope(
        stack="s", environment="e", outputs={"db": {"it": Output(known=False, parts=parts)}}
    )

    def found(text: str) -> object:
        resolution = resolve(f"${{{{ modules.db.{text} }}}}", scope)
        return [mistake.message for mistake in resolution.mistakes] or resolution.value

    assert found("it") == {
        "port": 5432,
        "host": Pending(references=("modules.db.it.host",)),
        "tags": {"a b": Pending(references=('modules.db.it.tags["a b"]',)), "x": ["y"]},
        "ids": [
            "i",
            Pending(references=("modules.db.it.ids[1]",)),
            {"a": Pending(references=("modules.db.it.ids[2].a",))},
        ],
    }
    assert found("it.port") == 5432
    assert found("it.tags.x[0]") == "y"
    assert found("it.host") == Pending(references=("modules.db.it.host",))
    assert found("it.ids[0]") == "i"
    assert found("it.ids[1]") == Pending(references=("modules.db.it.ids[1]",))
    assert found("it.ids[3]") == ["modules.db.it.ids has 3 elements, so there is no [3]"]
    assert found("it.host.deeper") == Pending(references=("modules.db.it.host.deeper",))
    assert found("it.nothing") == ["modules.db.it has no key 'nothing'"]

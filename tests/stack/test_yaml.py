"""Documents: what their values are and where they stand."""

import json
import re

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orchestrator.stack.model import Json
from orchestrator.stack.yaml import YamlDocument, decode, parse

# libyaml refuses control characters and half surrogate pairs; both have tests of their own.
_TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff\ufeff"),
    max_size=20,
)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT
)
_VALUES: st.SearchStrategy[Json] = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)
_NUMBER_OF_LATER_YAML = re.compile(r'"[-+]?[0-9.]+[eE]')
_relaxed = settings(deadline=None, max_examples=150)


def one(text: str) -> YamlDocument:
    """Return the one document of ``text``."""
    (document,) = parse(text, "file.yaml")
    return document


@_relaxed
@given(_VALUES)
def test_json_reads_as_itself(value: Json) -> None:
    """Every JSON text is YAML, and means what JSON says, however it is laid out."""
    for indent in (None, 2, "\t"):
        assert one(json.dumps(value, indent=indent)).value == value
        assert one(json.dumps(value, indent=indent, ensure_ascii=False)).value == value


@_relaxed
@given(_VALUES)
def test_what_other_tools_write_reads_as_itself(value: Json) -> None:
    """YAML written by PyYAML's dumper, which quotes by the rules of YAML 1.1, keeps its meaning here.

    But for texts such as ``0E0``: a number in YAML 1.2 and in JSON, and a text without a point in YAML 1.1.
    """
    assume(not _NUMBER_OF_LATER_YAML.search(json.dumps(value)))
    if isinstance(value, (dict, list)):
        assert one(yaml.safe_dump(value, allow_unicode=True, width=10**6)).value == value


@_relaxed
@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.integers(), min_size=1, max_size=6
    )
)
def test_every_place_is_where_the_value_is_written(value: dict[str, int]) -> None:
    """The text at a place is the key or the value that the place was asked for."""
    document = one("".join(f"{key}:   {number}\n" for key, number in value.items()))
    for key, number in value.items():
        at_key, at_value = document.place((key,), key=True), document.place((key,))
        assert at_key.text[at_key.column - 1 :].startswith(key)
        assert at_value.text[at_value.column - 1 :] == str(number)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("off", "off"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("0o644", 0o644),
        ("0xff", 255),
        ("-7", -7),
        ("+7", 7),
        ("0", 0),
        ("1.50", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("10.0.0.0/16", "10.0.0.0/16"),
        ("=", "="),
        ('"012"', "012"),
        ("'yes'", "yes"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("!!float 5", 5.0),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: Json) -> None:
    """Words, times and dates are text; only what the core schema calls a number is one."""
    document = one(f"a: {text}")
    assert document.value == {"a": value}
    assert type(document.value["a"]) is type(value)


def test_keys_are_text_as_written() -> None:
    """A number or a word as a key is the text that stands there."""
    assert one("80: a\ntrue: b\n1.50: c\non: d\n'': e").value == {
        "80": "a",
        "true": "b",
        "1.50": "c",
        "on": "d",
        "": "e",
    }


def test_merged_maps_give_way_to_what_is_written_out() -> None:
    """``<<`` takes what is not there yet; of several maps the first one wins, as everywhere."""
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  z: 3\n  <<: [*a, *b]\n"
    assert one(text).value == {
        "a": {"x": 1, "y": 1},
        "b": {"y": 2, "z": 2},
        "c": {"x": 1, "y": 1, "z": 3},
    }
    assert one(text).place(("c", "x")).line == 1


def test_of_two_merges_the_first_wins() -> None:
    """The order is the same whether maps are listed or merged one by one."""
    assert one("a: &a {x: 1}\nb: &b {x: 2}\nc:\n  <<: *a\n  <<: *b\n").value == {
        "a": {"x": 1},
        "b": {"x": 2},
        "c": {"x": 1},
    }


def test_a_quoted_merge_sign_is_a_key() -> None:
    """Only a plain ``<<`` merges."""
    assert one('"<<": {a: 1}').value == {"<<": {"a": 1}}


def test_aliases_are_copies() -> None:
    """What is changed at one place does not change at another."""
    value = one("a: &x [1]\nb: *x").value
    assert isinstance(value, dict)
    assert value["a"] == value["b"] == [1]
    assert value["a"] is not value["b"]


def test_documents_of_one_file_keep_their_own_places() -> None:
    """Every document is found, empty ones with no value, and places count lines of the whole file."""
    documents = parse("# first\n---\na: 1\n---\n---\nb:\n  - c: x\n  - d: y\n", "set.yaml")
    assert [document.value for document in documents] == [
        {"a": 1},
        None,
        {"b": [{"c": "x"}, {"d": "y"}]},
    ]
    assert str(documents[0].place(("a",))) == "set.yaml:3:4"
    assert str(documents[2].place(("b", 1, "d"))) == "set.yaml:8:8"
    assert documents[2].place(("b", 1, "d")).text == "  - d: y"


def test_an_indented_document_has_its_places() -> None:
    """Where a document starts in its line does not matter."""
    first, second = parse("  a: 1\n  b: 2\n--- {c: 3}\n", "file.yaml")
    assert str(first.place(("b",))) == "file.yaml:2:6"
    assert str(second.place(("c",))) == "file.yaml:3:9"


def test_nothing_but_comments_is_no_document() -> None:
    """An empty file has no documents."""
    assert parse("# nothing\n", "file.yaml") == ()
    assert parse("", "file.yaml") == ()


def test_what_is_not_there_has_the_place_around_it() -> None:
    """A missing key is shown at the map in which it is missing."""
    document = one("a:\n  b: 1\n")
    assert document.place(("a", "x", "y")) == document.place(("a",))
    assert str(document.place(("a",), key=True)) == "file.yaml:1:1"
    assert str(one("[1, 2]").place((7,))) == "file.yaml:1:1"


def test_a_place_within_a_text_is_found_in_its_lines() -> None:
    """A part of a block text has the line in which it stands."""
    document = one("a: x\nb: |\n  first\n  second ${{ y }}\n")
    assert str(document.place(("b",), within="${{ y }}")) == "file.yaml:4:10"
    assert str(document.place(("b",), within="not there")) == "file.yaml:2:4"


def test_columns_count_characters() -> None:
    """Signs of several bytes count as one, and a byte order mark as none."""
    document = one("\ufeff{ä: 'ö', 日本: x}")
    assert str(document.place(("日本",))) == "file.yaml:1:14"


def test_places_of_windows_files() -> None:
    """A carriage return is part of the line's end."""
    place = one("a: 1\r\nb:\r\n  c: 2\r\n").place(("b", "c"))
    assert (place.line, place.column, place.text) == (3, 6, "  c: 2")


def test_json_knows_surrogate_pairs_and_still_has_places() -> None:
    """JSON that YAML's reader does not know is read all the same; its places are the document's."""
    document = one('{"a": "\\ud83d\\ude00"}')
    assert document.value == {"a": "😀"}
    assert document.place(("a",)).line == 1
    assert str(one('{\n\t"a": [1,\n\t\t2]}').place(("a", 1))) == "file.yaml:3:3"


def test_bytes_become_text() -> None:
    """Files are UTF-8, with or without a byte order mark."""
    assert decode("ä: 1".encode("utf-8-sig"), "f") == "ä: 1"

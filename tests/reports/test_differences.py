"""Values that do not fit on a line, as people see them."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plans.change import FieldChange
from orchestrator.plans.redaction import Secrets, without_secrets
from orchestrator.plans.values import ABSENT, Masked, Redacted, masked
from orchestrator.reports.differences import difference
from orchestrator.reports.fields import render_fields
from orchestrator.reports.folding import fold
from tests.plans.builders import change, field_change, unit_plan

CONF = "".join(f"line {number};\n" for number in range(1, 31))


def shown(*fields: FieldChange) -> str:
    """Return fields as a plan shows them."""
    return "\n".join(render_fields(fields, indent=8))


def test_a_file_is_shown_by_the_lines_that_differ() -> None:
    """What changed stands with a few lines around it, as diff says it; a tab and a space at the end can be seen."""
    after = CONF.replace("line 8;\n", "line eight;\n\tnew; \n").replace("line 25;\n", "")
    assert (
        shown(
            field_change('data["nginx.conf"]', before=CONF, after=after),
            field_change("data.workers", before="1", after="2"),
        )
        == r"""        data["nginx.conf"]
          | @@ -5,7 +5,8 @@
          |   line 5;
          |   line 6;
          |   line 7;
          | - line 8;
          | + line eight;
          | + \tnew;·
          |   line 9;
          |   line 10;
          |   line 11;
          | @@ -22,7 +23,6 @@
          |   line 22;
          |   line 23;
          |   line 24;
          | - line 25;
          |   line 26;
          |   line 27;
          |   line 28;
        data.workers  "1" → "2"
""".rstrip("\n")
    )


def test_a_new_file_is_shown_by_its_beginning() -> None:
    """What comes or goes is recognised by its first lines; the rest is counted."""
    lines = shown(field_change("data.conf", before=ABSENT, after=CONF)).splitlines()
    assert lines[:2] == ["        data.conf", "          | + line 1;"]
    assert lines[-1] == "          | … 20 more lines"
    gone = shown(field_change("data.conf", before=CONF, after=ABSENT)).splitlines()
    assert gone[:2] == ["        data.conf  (removed)", "          | - line 1;"]


def test_a_large_difference_is_capped_and_counted() -> None:
    """A file that changed everywhere does not push the next object off the screen."""
    lines = shown(field_change("data.conf", before=CONF, after=CONF.upper())).splitlines()
    assert len(lines) == 32
    assert lines[-1] == "          | … 31 more lines"


def test_json_in_an_annotation_is_compared_in_its_parts() -> None:
    """Dashboards and policies in annotations are one line of JSON: only the part that changed is shown."""
    before = {"rules": [{"host": "a", "weight": 1}, {"host": "b", "weight": 9}], "on": True}
    after = {**before, "rules": [before["rules"][0], {"host": "b", "weight": 8}]}  # type: ignore[index]
    assert (
        shown(field_change("a", before=json.dumps(before), after=json.dumps(after, indent=1)))
        == """        a
          | @@ -3,4 +3,4 @@
          |     - host: "a"
          |       weight: 1
          |     - host: "b"
          | -     weight: 9
          | +     weight: 8"""
    )


def test_json_that_is_only_spaced_anew_is_shown_as_text() -> None:
    """A change of spacing is a change: it is shown, and not hidden by the comparison of parts."""
    assert shown(field_change("a", before='{"a":1}', after='{"a": 1}')) == (
        r'        a  "{\"a\":1}" → "{\"a\": 1}"'
    )


def test_a_long_list_is_shown_by_its_elements() -> None:
    """Of twenty arguments the one that went is shown."""
    arguments = [f"--feature-{number}=on" for number in range(20)]
    lines = shown(field_change("args", before=arguments, after=arguments[:3] + arguments[4:]))
    assert '          | - - "--feature-3=on"' in lines
    assert "--feature-15" not in lines


def test_a_long_line_is_shown_around_its_difference() -> None:
    """Two addresses of 400 characters that differ at the end do not look the same."""
    before, after = "x" * 300 + "old" + "y" * 100, "x" * 300 + "new" + "y" * 100
    text = shown(field_change("a", before=before, after=after))
    assert "xxold" in text
    assert "xxnew" in text
    inside = shown(field_change("a", before=f"a\n{before}", after=f"a\n{after}"))
    assert "xxold" in inside
    assert "xxnew" in inside


def test_a_missing_newline_is_told() -> None:
    """Two texts that differ in their last newline alone are not shown as two equal lines."""
    assert shown(field_change("a", before="one\ntwo\n", after="one\ntwo")).splitlines()[1:] == [
        "          | @@ -1,2 +1,2 @@",
        "          |   one",
        "          | - two",
        "          | + two",
        "          |   (no newline at the end)",
    ]


def test_lines_of_a_difference_are_not_broken_on_a_terminal() -> None:
    """Breaking a line of a file between words would lose its sign and its spaces."""
    long = "  word" * 16
    text = shown(field_change("a", before=f"a\n{long}\n", after=f"b\n{long}\n"))
    assert fold(text, 80) == text


def test_a_secret_that_nobody_marked_is_taken_out_before_a_value_is_cut() -> None:
    """A password at the place where a long value is cut leaves no part of itself; the rest can be read."""
    secrets = Secrets()
    secrets.learn("correct-horse")
    item = field_change(before="x" * 155 + "correct-horse", after="x" * 155 + "battery-staple")
    (cleaned,) = without_secrets(
        unit_plan("manifests.shop", change(fields=(item,))), secrets
    ).changes
    text = shown(*cleaned.fields)
    assert "corre" not in text
    assert "battery-staple" in text
    assert isinstance(cleaned.fields[0].before, Redacted)


def test_a_value_that_only_differs_in_a_secret_is_told_as_that() -> None:
    """The connection string stays readable, and that its password changed is said."""
    secrets = Secrets()
    secrets.learn(["old-password", "new-password"])
    item = field_change(before="pg://shop:old-password@db", after="pg://shop:new-password@db")
    (cleaned,) = without_secrets(
        unit_plan("manifests.shop", change(fields=(item,))), secrets
    ).changes
    assert shown(*cleaned.fields) == (
        '        data.KEY  "pg://shop:(sensitive)@db" (what is sensitive in it changed)'
    )


def test_masked_values_have_no_lines() -> None:
    """Nothing of a secret file is compared, not even how many lines it has."""
    assert difference(masked(CONF), masked(CONF.upper())) == ()
    assert shown(field_change(before=Masked(fingerprint="a"), after=Masked(fingerprint="b"))) == (
        "        data.KEY  (sensitive, changed)"
    )


lines = st.lists(st.sampled_from(["a", "b", "  c", "", "d "]), max_size=12)


@given(lines, lines)
def test_different_texts_never_look_the_same(old: list[str], new: list[str]) -> None:
    """Whatever differs leaves at least one line that says so."""
    before, after = "\n".join(old), "\n".join(new)
    found: Any = difference(before, after)
    if found and before != after:
        assert any(line.startswith(("| -", "| +")) for line in found)

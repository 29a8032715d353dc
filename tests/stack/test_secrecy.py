"""No mistake in a Secret's manifest tells anything of its values: neither by its line, nor in words."""

from dataclasses import astuple
from pathlib import Path

import pytest

from orchestrator.errors import InvalidStack, Mistake
from orchestrator.reports.mistakes import render
from orchestrator.stack.expressions import references
from orchestrator.stack.parses import remembered
from orchestrator.stack.text.secrecy import everything, secrets_of_manifests
from orchestrator.stack.text.source import Source
from orchestrator.stack.yaml import parse

_HEAD = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"
_OTHER = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: texts}\ndata:\n  text: @shown\n"
_VALUES = (
    "stringData:\n  user: ada\n  password: hunter2-plain\n   more: x\n",
    "stringData:\n  password: hunter2-plain\n  password: hunter3-plain\n",
    "stringData:\n  address: postgres://ada:hunter2-plain@${{ modlues.base.nope }}/db\n",
    "data:\n  password: aHVudGVyMi1wbGFpbg==\n  password: x\n",
    "stringData:\n  password: \thunter2-plain\n  password: x\n",
    "stringData:\n  password: @hunter2-plain\n",
    "stringData:\n  password: %hunter2-plain\n",
    "stringData:\n  password: *hunter2-plain\n",
    "stringData:\n  password: hunter2-plain: x\n",
    'stringData:\n  password: "hunter2-plain\\q"\n',
    "stringData: {password: 'hunter2-plain}\n",
    "stringData: {hunter2, hunter2}\n",
    "stringData:\n  password: &hunter2-plain x\n  more: &hunter2-plain x\n  again: *hunter3\n",
    "stringData:\n  password: !hunter2 x\n",
    "stringData:\n  password: !hunter2 {a: b}\n",
    "stringData:\n  password: !!int hunter2\n",
    "stringData:\n  password: 0123456\n",
    "stringData:\n  password: ${{hunter2}}\n",
    'stringData:\n  password: p${{"hunter2}}\n',
    "stringData:\n  key: |\n-----BEGIN hunter2\nhunter3\n",
)
_SHOWN = ("hunter", "aHV", "012345", "'%'", "'@'", "'*'")


@pytest.mark.parametrize("values", _VALUES)
@pytest.mark.parametrize("before", ["", "---\n", _OTHER.replace("@", "") + "---\n"])
def test_a_mistake_in_a_secret_tells_nothing_of_its_values(values: str, before: str) -> None:
    """Whatever is wrong with it, the mistake has a place and says nothing of what stands there."""
    mistakes = _mistakes(before + _HEAD + values)

    assert mistakes
    assert all(each.place for each in mistakes)
    told = [render(mistakes), *map(str, map(astuple, mistakes))]
    assert not [text for text in told if any(word in text for word in _SHOWN)], told


@pytest.mark.parametrize(
    "kind",
    ["kind: Secret", '"kind" : "Secret"', "kind: !!str Secret", "kind:\n  Secret", "kind Secret"],
)
def test_a_secret_is_known_by_its_text(kind: str) -> None:
    """It may be no YAML at all, so that its kind is looked for and not read."""
    (mistake,) = _mistakes(f"{kind}\ndata:\n  password: @hunter2\n")

    assert "hunter" not in render([mistake])


_NO_KIND = "data:\n  user: @hunter2\n"


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "kind: Secert",
        "knd: Secret",
        "kind: >-\n  Secret",
        "metadata: {name: &k Secret}\nkind: *k",
        'kind: "S\\x65cret"',
        "kind: # of this\n  Secret",
        f"{_HEAD}stringData:\n  values: |\n---",
    ],
)
def test_what_does_not_say_plainly_that_it_is_none_may_be_a_secret(kind: str) -> None:
    """Whoever wrote it may have misspelt that, or pasted a document into a value of one."""
    for text in (f"{kind}\n{_NO_KIND}", f"{_OTHER.replace('@', '')}---\n{kind}\n{_NO_KIND}"):
        mistakes = _mistakes(text)
        assert mistakes
        assert "hunter" not in render(mistakes)


def test_of_what_is_no_secret_the_lines_of_secret_keys_are_not_shown() -> None:
    """Whose values are below them, too; what stands beside them is."""
    text = "kind: Job\nspec:\n  - dbPassword: |\n      a\n\n     %hunter2\n  - {apiKey: hunter2}\n  x: hunter2\n"
    lines = text.split("\n")
    source = Source(text, "job.yaml", secrets_of_manifests)

    shown = [source.place(line, 0).text for line in range(len(lines))]

    assert shown == [*lines[:2], "", "", "", "", "", lines[7], ""]


def test_what_is_no_secret_is_shown() -> None:
    """The document beside a Secret keeps its lines, before and behind it."""
    for text in (f"{_OTHER}---\n{_HEAD}", f"{_HEAD}---\n{_OTHER}"):
        (mistake,) = _mistakes(text)
        assert mistake.place
        assert mistake.place.text == "  text: @shown"
    assert secrets_of_manifests(_OTHER) == ()


def test_places_that_are_asked_for_later_show_no_secret(tmp_path: Path) -> None:
    """Also of a text that is remembered, mistakes of a Secret have no line."""
    text = f"{_HEAD}stringData: {{a: hunter2}}\n"
    for _ in range(2):
        with remembered(tmp_path / "memory") as parses:
            place = parses.read(text, "secret.yaml")[0].place(("stringData", "a"))
        assert (place.text, place.line, place.column) == ("", 4, 17)


def test_of_what_is_secret_as_a_whole_nothing_is_told() -> None:
    """Such as a kubeconfig: its tokens stand anywhere."""
    with pytest.raises(InvalidStack) as caught:
        parse("token: *hunter2", "config", secrecy=everything)

    assert "hunter" not in render(caught.value.mistakes)


def _mistakes(text: str) -> tuple[Mistake, ...]:
    """Return what is wrong with a manifest, or with its expressions."""
    try:
        with remembered(None) as parses:
            for document in parses.read(text, "secret.yaml"):
                references(document.value, document.place)
    except InvalidStack as error:
        return error.mistakes
    return ()

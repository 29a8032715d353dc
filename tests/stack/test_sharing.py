"""States that two units would share: found wherever it is written, by what locates a state and by nothing else."""

from pathlib import Path

import pytest

from orchestrator.stack.written.locating import located
from tests.stack.stack_files import HEAD, load, mistakes_of, write

MODULES = "modules:\n  a: {source: ./a}\n  b: {source: ./b}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with the sources of two modules."""
    return write(tmp_path, {"a/main.tf": "", "b/main.tf": ""})


@pytest.mark.parametrize(
    "config",
    [
        "backend: s3, config: {bucket: x, key: shop, profile: '${{ unit }}'}",
        "backend: pg, config: {conn_str: 'postgres://${{ unit }}:x@db/states', schema_name: shop}",
        "backend: http, config: {address: 'https://s/shop', username: '${{ unit }}'}",
        "backend: kubernetes, config: {secret_suffix: shop, labels: {unit: '${{ unit }}'}}",
    ],
)
def test_what_only_says_how_to_reach_a_state_keeps_none_apart(root: Path, config: str) -> None:
    """Two modules with different credentials and one key still share their state."""
    (told,) = mistakes_of(root, f"{HEAD}state: {{{config}}}\n{MODULES}")
    assert "modules.a and modules.b would share one state" in told


@pytest.mark.parametrize(
    "config",
    [
        "backend: pg, config: {conn_str: 'postgres://x@db/${{ unit }}', schema_name: shop}",
        "backend: pg, config: {conn_str: 'host=db dbname=x user=y', schema_name: '${{ unit }}'}",
        "backend: consul, config: {address: c, path: 'shop/${{ unit }}'}",
    ],
)
def test_what_locates_a_state_does(root: Path, config: str) -> None:
    """Another database, schema or path is another state."""
    assert load(root, f"{HEAD}state: {{{config}}}\n{MODULES}").modules


def test_two_environments_on_one_state_are_told_with_both_places(root: Path) -> None:
    """Each of them says where its state is, at a place of its own."""
    text = (
        f"{HEAD}environments:\n"
        "  staging: {state: {backend: http, config: {address: 'https://s/${{ unit }}'}}}\n"
        "  production:\n"
        "    state: {backend: http, config: {address: 'https://s/${{ unit }}', username: x}}\n"
        f"{MODULES}"
    )
    (told,) = mistakes_of(root, text, "production")
    assert told.startswith("6:28 environments 'production' and 'staging' would share the state of")
    assert "modules.a (see stack.yaml:4)" in told


def test_two_stacks_on_one_state_are_told_with_both_places(root: Path) -> None:
    """The other stack is found by its file; one whose states are somewhere else is no matter."""
    state = "state:\n  backend: http\n  config: {address: 'https://s/${{ unit }}'}\n"
    other = "version: 1\nname: other\n"
    source = "modules:\n  b: {source: ../../b}\n"
    write(
        root,
        {
            "orchestrator.yaml": "stacks: [stack.yaml, stacks/*/stack.yaml]\n",
            "stacks/other/stack.yaml": f"{other}{state}{source}",
            "stacks/far/stack.yaml": other.replace("other", "far") + source,
            "stacks/bad/stack.yaml": "name: bad\nstate: http: [\n",
        },
    )
    (told,) = mistakes_of(root, f"{HEAD}{state}{MODULES}")
    assert "modules.b would share its state with modules.b of other/default" in told
    assert "(see stacks/other/stack.yaml:5)" in told
    assert "use ${{ stack }}" in told
    apart = state.replace("https://s/", "https://s/${{ stack }}/")
    assert load(root, f"{HEAD}{apart}{MODULES}").modules


def test_a_password_is_no_part_of_what_locates_a_state() -> None:
    """What locates a state is shown in messages."""
    settings = {"conn_str": "postgres://ada:secret@db.example:5432/states", "schema_name": "shop"}
    assert located("pg", settings)["conn_str"] == '"db.example:5432/states"'
    words = {"conn_str": "host=db password=secret dbname=states"}
    assert located("pg", words)["conn_str"] == '"dbname=states host=db"'

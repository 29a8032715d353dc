"""What is told of a difference is all of it: nothing is lost on the way to people."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.plans.values import Absent, Masked
from orchestrator.workloads.comparison.differences import compare, differences
from orchestrator.workloads.comparison.intent import Intent
from orchestrator.workloads.ownership import LAST_APPLIED, MARKS
from tests.workloads.comparison.told import by_name, carried_out

keys = st.sampled_from(["image", "replicas", "app.kubernetes.io/name", 'odd"key', "a b", "x]y"])
names = st.sampled_from(["web", "side-car", "a.b", "x=y", 'quo"te', "br]acket", "with space"])
scalars = st.booleans() | st.integers(0, 3) | st.sampled_from(["", "1", "two\nlines\n", "true"])


def _named(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return lists whose elements have names of their own."""
    fields = st.dictionaries(keys, inner, max_size=2)
    elements = st.dictionaries(names, fields, max_size=3)
    return elements.map(lambda found: [{"name": name, **more} for name, more in found.items()])


values = st.recursive(
    scalars,
    lambda inner: (
        st.dictionaries(keys, inner, max_size=3)
        | _named(inner)
        | st.lists(scalars, max_size=3)
        | st.lists(st.dictionaries(keys, scalars, max_size=2), max_size=3)
    ),
    max_leaves=10,
)
objects = st.dictionaries(keys, values, max_size=3).map(lambda spec: {"spec": spec})
_ports = st.fixed_dictionaries(
    {"containerPort": st.integers(1, 2)},
    optional={"protocol": st.sampled_from(["TCP", "UDP"]), "name": names, "hostIP": st.none()},
)
wholes = st.fixed_dictionaries(
    {"kind": st.just("Widget"), "spec": st.dictionaries(keys, values | st.none(), max_size=3)},
    optional={
        "metadata": st.fixed_dictionaries(
            {"name": names},
            optional={
                "uid": names,
                "labels": st.dictionaries(keys, names, max_size=2) | st.none(),
                "annotations": st.dictionaries(
                    st.sampled_from([*MARKS, LAST_APPLIED, "note"]), names, max_size=2
                ),
            },
        ),
        "status": st.dictionaries(keys, values, max_size=1),
        "ports": st.lists(_ports | scalars, max_size=3),
    },
)


def _filled_in(value: Any, defaults: Any) -> Any:
    """Return a value with what it does not say, as a server fills in its defaults."""
    match value, defaults:
        case dict(), dict():
            return {
                key: _filled_in(value.get(key, default), default)
                for key, default in defaults.items()
            } | {key: item for key, item in value.items() if key not in defaults}
        case list(), list():
            first = [_filled_in(one, other) for one, other in zip(value, defaults, strict=False)]
            return [*first, *value[len(first) :], *defaults[len(value) :]]
        case _:
            return value


@given(objects, objects)
def test_carrying_out_what_is_told_gives_what_is_wanted(
    live: dict[str, Any], wanted: dict[str, Any]
) -> None:
    """Every field shown, written into the live object, makes the wanted one; only new elements lose their place."""
    fields = compare(live, wanted, intent=Intent(value=wanted))

    assert by_name(carried_out(live, fields)) == by_name(wanted)


@given(objects, objects)
@example(
    {"spec": {"initContainers": [{"name": "a"}, {"name": "b"}]}},
    {"spec": {"initContainers": [{"name": "b"}, {"name": "a"}]}},
)
@example({"spec": {"image": 1}}, {"spec": {"image": True}})
def test_nothing_told_means_nothing_differs(live: dict[str, Any], wanted: dict[str, Any]) -> None:
    """An object is only called unchanged when it is what is wanted, order included."""
    fields = compare(live, wanted, intent=Intent(value=wanted))

    assert bool(fields) is (repr(_sorted(live)) != repr(_sorted(wanted)))


@given(wholes, wholes)
@example(
    {"ports": [{"port": 1}, {"port": 1, "protocol": "UDP", "more": [{"deep": 1}]}]},
    {"ports": [{"protocol": "TCP"}]},
)
def test_what_comes_is_told_as_beside_nothing(
    wanted: dict[str, Any], defaults: dict[str, Any]
) -> None:
    """A creation, which is told in a way of its own, has the fields, places and values of any other difference."""
    elsewhere = Intent(
        value=wanted, secret=frozenset({("nowhere",)})
    )  # which takes the way of all others

    for result in (wanted, _filled_in(wanted, defaults), defaults):
        told = differences(None, result, intent=Intent(value=wanted))
        assert told == differences(None, result, intent=elsewhere)


@given(objects, objects)
def test_every_path_is_told_once(live: dict[str, Any], wanted: dict[str, Any]) -> None:
    """A path names one field: programs may use it as a key."""
    paths = [found.path for found in compare(live, wanted, intent=Intent(value=wanted))]

    assert len(paths) == len(set(paths))


@given(objects, objects, objects)
def test_what_the_server_adds_is_never_told(
    live: dict[str, Any], wanted: dict[str, Any], added: dict[str, Any]
) -> None:
    """Fields that neither Git nor the cluster had are the server's own, and nobody's change."""
    plain = compare(live, wanted, intent=Intent(value=wanted))
    defaulted = compare(live, {**wanted, "defaults": added}, intent=Intent(value=wanted))

    assert plain == defaulted


@given(objects, objects)
def test_a_secret_object_shows_no_value(live: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Where all is secret, no value is shown, old or new, whatever its shape."""
    intent = Intent(value=wanted, secret=frozenset({()}))

    for found in compare(live, wanted, intent=intent):
        assert isinstance(found.before, Masked | Absent)
        assert isinstance(found.after, Masked | Absent)


def _sorted(value: Any) -> Any:
    """Return a value whose maps have one order."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value

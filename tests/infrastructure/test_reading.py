"""Reading what Terraform writes: plans, messages; pure, from documents as it writes them."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import (
    OrchestratorError,
    PlanRefused,
    StorageError,
    TerraformError,
    TerraformUnavailable,
)
from orchestrator.infrastructure.reading.diagnostics import (
    Diagnostic,
    failure,
    from_event,
    from_text,
)
from orchestrator.infrastructure.reading.plan import check_format, find_secrets, read_plan
from orchestrator.infrastructure.running.environment import child_environment
from orchestrator.plans.change import Action, Change
from orchestrator.plans.values import ABSENT, Masked, Unknown, masked
from orchestrator.stack.model import Json

relaxed = settings(deadline=None, max_examples=100)  # other tests may keep the machine busy

open_to_all: Callable[[Json], bool] = lambda _: False  # noqa: E731 - one line says that nothing is hidden


def resource(actions: list[str], **change: Any) -> dict[str, Any]:
    """Return a resource change."""
    more: dict[str, Any] = {
        key: change.pop(key) for key in ("previous_address", "action_reason") if key in change
    }
    return {"address": "aws_vpc.main", "change": {"actions": actions, **change}, **more}


def read(*changes: dict[str, Any]) -> tuple[Change, ...]:
    """Read resource changes."""
    return read_plan({"resource_changes": list(changes)}, open_to_all).changes


def fields(before: Any, after: Any, **marks: Any) -> list[tuple[str, object, object]]:
    """Return the fields of an update as path, old and new."""
    (change,) = read(resource(["update"], before=before, after=after, **marks))
    return [(field.path, field.before, field.after) for field in change.fields]


@pytest.mark.parametrize(
    ("actions", "extra", "action"),
    [
        (["create"], {}, Action.CREATE),
        (["read"], {}, Action.READ),
        (["update"], {}, Action.UPDATE),
        (["delete"], {}, Action.DELETE),
        (["forget"], {}, Action.FORGET),
        (["delete", "create"], {}, Action.REPLACE),
        (["create", "delete"], {}, Action.REPLACE),
        (["create", "forget"], {}, Action.REPLACE),
        (["no-op"], {"importing": {"id": "vpc-1"}}, Action.IMPORT),
        (["update"], {"importing": {"id": "vpc-1"}}, Action.IMPORT),
        (["no-op"], {"previous_address": "aws_vpc.old"}, Action.MOVE),
        (["update"], {"previous_address": "aws_vpc.old"}, Action.UPDATE),
    ],
)
def test_every_action_of_terraform_is_one_of_ours(
    actions: list[str], extra: dict[str, Any], action: Action
) -> None:
    """The list is closed; a moved resource is a move unless more happens to it."""
    (change,) = read(resource(actions, **extra))
    assert change.action is action
    assert change.previous == extra.get("previous_address", "")


def test_an_unknown_action_or_format_is_refused() -> None:
    """What a newer engine may invent is not guessed at."""
    with pytest.raises(ValueError, match="plan action wish is not known"):
        read(resource(["wish"]))
    for version in ("2.0", ""):
        with pytest.raises(ValueError, match="plan format"):
            check_format({"format_version": version})
    with pytest.raises(ValueError, match="incomplete"):
        check_format({"format_version": "1.2", "errored": True})
    deferred = [{"resource_change": {"address": "aws_vpc.b"}}]
    with pytest.raises(ValueError, match="leaves out what has to wait: aws_vpc"):
        check_format({"format_version": "1.2", "complete": False, "deferred_changes": deferred})
    changes = [resource(["create"])]
    with pytest.raises(ValueError, match="cannot be applied"):
        check_format({"format_version": "1.2", "applyable": False, "resource_changes": changes})
    check_format({"format_version": "1.9"})
    check_format({"format_version": "1.2", "applyable": True, "complete": True, "errored": False})


def test_paths_are_written_as_people_write_them() -> None:
    """Names with dots, keys of every kind, and places in lists."""
    before = {
        "tags": {"Name": "a", "app.kubernetes.io/name": "b"},
        "ingress": [{"cidr": "x"}, {"cidr": "y"}],
        "n": 1,
    }
    after = {
        "tags": {"Name": "c", "app.kubernetes.io/name": "d"},
        "ingress": [{"cidr": "x"}, {"cidr": "z"}],
        "n": 1,
    }
    assert fields(before, after) == [
        ("ingress[1].cidr", "y", "z"),
        ("tags.Name", "a", "c"),
        ('tags["app.kubernetes.io/name"]', "b", "d"),
    ]


def test_added_and_removed_parts_are_absent_on_one_side() -> None:
    """An element or key more or less, a value that comes or goes; null is no value."""
    before = {"list": [1], "map": {"a": 1}, "text": None, "gone": "x"}
    after = {"list": [1, 2], "map": {"b": 2}, "text": "y", "gone": None}
    assert fields(before, after) == [
        ("gone", "x", ABSENT),
        ("list[1]", ABSENT, 2),
        ("map.a", 1, ABSENT),
        ("map.b", ABSENT, 2),
        ("text", ABSENT, "y"),
    ]


def test_a_change_of_shape_is_one_field() -> None:
    """A text that becomes a list is shown whole; numbers and booleans are not the same."""
    assert fields({"x": "a"}, {"x": ["a"]}) == [("x", "a", ["a"])]
    assert fields({"x": 1}, {"x": True}) == [("x", 1, True)]
    assert fields({"x": []}, {"x": {}}) == [("x", [], {})]


def test_unknown_parts_stand_where_they_are() -> None:
    """A key that is unknown is not in `after` at all, an unknown element of a list is null in it."""
    found = fields(
        {"id": "i", "tags": {"a": "1"}, "list": ["x", "y"], "empty": {}},
        {"tags": {"a": "1"}, "list": ["x", None], "empty": {}},
        after_unknown={
            "id": True,
            "tags": {"b": True},
            "list": [False, True],
            "empty": {"key": True},
        },
    )
    assert found == [
        ("empty.key", ABSENT, Unknown()),
        ("id", "i", Unknown()),
        ("list[1]", "y", Unknown()),
        ("tags.b", ABSENT, Unknown()),
    ]


def test_marks_mask_a_part_or_the_whole() -> None:
    """A mark over a list masks all of it as one value; equal secrets do not differ."""
    found = fields(
        {"password": "a", "list": ["b"], "same": "s"},
        {"password": "c", "list": ["d"], "same": "s"},
        before_sensitive={"password": True, "list": True, "same": True},
        after_sensitive={"password": True, "list": True, "same": True},
    )
    assert found == [("list", masked(["b"]), masked(["d"])), ("password", masked("a"), masked("c"))]


def test_what_forces_a_replacement_is_marked_below_and_above() -> None:
    """A path may be longer or shorter than the field that is shown."""
    (change,) = read(
        resource(
            ["delete", "create"],
            before={"a": {"b": 1, "c": 1}, "list": [1], "other": 1},
            after={"a": {"b": 2, "c": 2}, "list": [2], "other": 2},
            replace_paths=[["a", "b"], ["list"]],
            action_reason="replace_because_cannot_update",
        )
    )
    assert {field.path for field in change.fields if field.forces_replacement} == {"a.b", "list[0]"}


def test_partly_known_outputs_are_not_known() -> None:
    """A reference reads a whole output or waits for it."""
    changes = {
        "known": {"actions": ["create"], "before": None, "after": [1], "after_unknown": False},
        "partly": {
            "actions": ["update"],
            "before": {},
            "after": {"a": 1},
            "after_unknown": {"b": True},
        },
        "gone": {"actions": ["delete"], "before": 1, "after": None},
        "same": {"actions": ["no-op"], "before": 1, "after": 1, "after_unknown": False},
    }
    reading = read_plan({"output_changes": changes}, open_to_all)
    assert {name: (output.value, output.known) for name, output in reading.outputs.items()} == {
        "known": ([1], True),
        "partly": (None, False),
        "same": (1, True),
    }
    assert [change.name for change in reading.changes] == ["gone", "known", "partly"]


def test_secrets_are_found_everywhere_in_a_plan() -> None:
    """Changes, drift, prior and planned values with their modules, outputs, and variables."""
    document = {
        "resource_changes": [
            resource(["update"], before={"a": "s1"}, before_sensitive={"a": True})
        ],
        "resource_drift": [
            resource(["update"], after={"a": ["s2"]}, after_sensitive={"a": [True]})
        ],
        "output_changes": {"x": {"actions": ["create"], "after": "s3", "after_sensitive": True}},
        "planned_values": {
            "outputs": {
                "x": {"sensitive": True, "value": "s4"},
                "y": {"sensitive": False, "value": "no"},
            },
            "root_module": {
                "child_modules": [
                    {"resources": [{"values": {"p": "s5"}, "sensitive_values": {"p": True}}]}
                ]
            },
        },
        "prior_state": {
            "values": {"root_module": {"resources": [{"values": "s6", "sensitive_values": True}]}}
        },
        "variables": {"v": {"value": "s7"}, "w": {"value": "no"}},
        "configuration": {
            "root_module": {
                "variables": {"v": {"sensitive": True, "default": "s8"}, "w": {"default": "no"}},
                "module_calls": {
                    "called": {
                        "expressions": {"p": {"constant_value": "s9"}, "q": {"references": ["no"]}},
                        "module": {"variables": {"p": {"sensitive": True}, "q": {}}},
                    }
                },
            }
        },
    }
    assert sorted(map(str, find_secrets(document))) == [f"s{number}" for number in range(1, 10)]


trees = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.text("ab.", max_size=2)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("ab.[", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.text("ab.", max_size=2), trees, max_size=3)


@relaxed
@given(objects, objects)
def test_fields_differ_exactly_where_values_do(before: Json, after: Json) -> None:
    """Equal values have no fields, different ones have some, each path once and in order."""
    found = fields(before, after)
    paths = [path for path, _, _ in found]
    assert len(set(paths)) == len(paths)
    assert paths == sorted(paths)
    assert all(old != new or type(old) is not type(new) for _, old, new in found)
    if without_null(before) != without_null(after):
        assert found


@relaxed
@given(objects, objects)
def test_what_is_marked_as_a_whole_never_shows(before: Json, after: Json) -> None:
    """A mark at the top masks everything, whatever the shapes."""
    found = fields(before, after, before_sensitive=True, after_sensitive=True)
    assert all(
        value is ABSENT or isinstance(value, Masked) for _, *values in found for value in values
    )


def without_null(value: Json) -> object:
    """Return a value with booleans told from numbers, and without what is null in mappings."""
    if isinstance(value, dict):
        return {key: without_null(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_null(inner) for inner in value]
    return (type(value).__name__, value)


TEXT = """
Initializing the backend...

Error: Failed to query available provider packages

Could not retrieve the list of available versions for provider acme/x: could
not connect to registry.example.test: proxyconnect tcp: dial tcp
127.0.0.1:9: connect: connection refused

Warning: Something

Error: Unsupported argument

  on main.tf line 3, in module "x":
   3:   source = "./nope"

An argument named "a" is not expected here:
  - one
  - two
"""


def test_text_for_people_is_read_into_messages() -> None:
    """What was wrapped for a terminal is one line again, what is indented stays as it is."""
    first, warning, second = from_text(TEXT)
    assert first.detail == (
        "Could not retrieve the list of available versions for provider acme/x: could not connect to "
        "registry.example.test: proxyconnect tcp: dial tcp 127.0.0.1:9: connect: connection refused"
    )
    assert warning.warning
    assert (second.file, second.line, second.context, second.code.strip()) == (
        "main.tf",
        3,
        'module "x"',
        'source = "./nope"',
    )
    assert second.detail.splitlines() == [
        'An argument named "a" is not expected here:',
        "  - one",
        "  - two",
    ]


def test_boxes_drawn_around_messages_are_taken_off() -> None:
    """Some commands draw them also where nobody looks."""
    (found,) = from_text("╷\n│ Error: Broken\n│ \n│ It does not\n│ work.\n╵\n")
    assert (found.summary, found.detail) == ("Broken", "It does not work.")


def test_a_message_is_laid_out_with_its_place() -> None:
    """Summary, place with context and resource, the source line, then the detail."""
    diagnostic = from_event(
        {
            "severity": "error",
            "summary": "Invalid value",
            "detail": "It is wrong.\n\nVery.",
            "address": "aws_vpc.main[0]",
            "range": {"filename": "modules/network/main.tf", "start": {"line": 4}},
            "snippet": {"context": 'resource "aws_vpc" "main"', "code": "  cidr = var.cidr"},
        }
    )
    assert str(diagnostic).splitlines() == [
        "Invalid value",
        '  modules/network/main.tf:4, in resource "aws_vpc" "main", for aws_vpc.main[0]',
        "    cidr = var.cidr",
        "  It is wrong.",
        "",
        "  Very.",
    ]


@pytest.mark.parametrize(
    ("summary", "detail", "kind", "says"),
    [
        ("Saved plan is stale", "", PlanRefused, "its state changed after the plan was made"),
        ("x", "write /a/b: no space left on device", StorageError, "the disk is full"),
        ("Error acquiring the state lock", "ID: 1", TerraformError, "its state is locked"),
        (
            "Unsupported Terraform Core version",
            "",
            TerraformUnavailable,
            "unsupported Terraform Core version",
        ),
        (
            "Failed to load plan",
            "plan file was created by Terraform 1.9, but this is 1.11; plan files cannot be transferred",
            PlanRefused,
            "the plan was made by another version",
        ),
    ],
)
def test_what_a_message_means_decides_the_error(
    summary: str, detail: str, kind: type[OrchestratorError], says: str
) -> None:
    """Known messages end in the kind of error that has their exit code and hint."""
    error = failure("modules.x", "apply", [Diagnostic(summary=summary, detail=detail)])
    assert type(error) is kind
    assert says in error.message
    assert error.hint


def test_a_failure_without_a_message_shows_the_end_of_the_output() -> None:
    """A crash has no diagnostics, but wrote something."""
    error = failure(
        "modules.x", "plan", [Diagnostic(summary="w", warning=True)], output="panic: oh no\n"
    )
    assert (error.message, error.detail) == (
        "modules.x: plan failed without a message",
        "panic: oh no",
    )


def test_only_what_terraform_needs_is_passed_on() -> None:
    """Credentials of providers, proxies and tools; not our own, and nothing that would redirect us."""
    given_ = {
        "PATH": "/bin",
        "AWS_PROFILE": "dev",
        "HTTPS_PROXY": "http://proxy",
        "TF_LOG": "debug",
        "TF_CLI_ARGS_plan": "-destroy",
        "TF_WORKSPACE": "other",
        "TF_DATA_DIR": "/elsewhere",
        "TF_VAR_x": "1",
        "GIT_DIR": "/repo/.git",
        "ORCHESTRATOR_TOKEN": "secret",
        "MY_TOKEN": "named",
        "GOGC": "100",
        "GITHUB_ENV": "/runner/env",
        "GITHUB_PATH": "/runner/path",
    }
    named = ("MY_TOKEN", "TF_VAR_x", "TF_DATA_DIR", "GITHUB_PATH")
    passed = child_environment(given_, named, TF_DATA_DIR="/ours")
    kept = {name: value for name, value in passed.items() if name in given_}
    assert kept == {
        "PATH": "/bin",
        "AWS_PROFILE": "dev",
        "HTTPS_PROXY": "http://proxy",
        "TF_LOG": "debug",
        "TF_DATA_DIR": "/ours",
        "TF_VAR_x": "1",
        "MY_TOKEN": "named",
        "GOGC": "100",
    }
    assert {name: passed[name] for name in passed.keys() - given_.keys()} == {
        "GOMAXPROCS": "2",
        "GIT_TERMINAL_PROMPT": "0",
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1",
    }

"""No secret leaves, in whatever form it stands."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plans.change import Action, Subject
from orchestrator.plans.redaction import Secrets, without_secrets, without_secrets_of_others
from orchestrator.stack.model import Json
from tests.plans.builders import change, field_change, plan, unit_plan

_SECRET = 'hunter2"\\\n/+ü'


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(_SECRET, id="as it is"),
        pytest.param(json.dumps(_SECRET), id="as JSON"),
        pytest.param(json.dumps(_SECRET, ensure_ascii=False), id="as JSON in UTF-8"),
        pytest.param(base64.b64encode(_SECRET.encode()).decode(), id="as base64"),
        pytest.param(
            base64.urlsafe_b64encode(_SECRET.encode()).decode(), id="as base64 for addresses"
        ),
        pytest.param(quote(_SECRET, safe=""), id="quoted for addresses"),
        pytest.param(f"postgres://shop:{quote(_SECRET, safe='')}@host/db", id="inside an address"),
    ],
)
def test_takes_a_secret_out_in_every_form(form: str) -> None:
    """A provider, a server or a log may write a value in any of these ways."""
    secrets = Secrets()
    secrets.learn(_SECRET)

    redacted = secrets.redact(f"before {form} after")

    assert "hunter2" not in redacted
    assert form.strip('"') not in redacted
    assert redacted.startswith("before ")
    assert redacted.endswith(" after")


def test_takes_out_every_line_of_a_secret_of_several_lines() -> None:
    """A key is printed line by line, often with an indentation."""
    secrets = Secrets()
    secrets.learn("-----BEGIN KEY-----\nMIIEabcdefgh\nXYZ1234567\n-----END KEY-----")

    assert secrets.redact("  MIIEabcdefgh\n  XYZ1234567\n") == "  (sensitive)\n  (sensitive)\n"


def test_learns_what_lies_deep_inside_a_value() -> None:
    """A sensitive output may be a map of lists."""
    secrets = Secrets()
    secrets.learn({"users": [{"password": "correct horse"}], "port": 54321987})

    assert secrets.redact("correct horse at 54321987") == "(sensitive) at (sensitive)"


def test_leaves_short_values_alone() -> None:
    """Taking out every "true" or "443" would make reports unreadable and give nothing away less."""
    secrets = Secrets()
    secrets.learn(["true", "443", "dev", ""])

    assert secrets.redact("true 443 dev") == "true 443 dev"


@given(st.lists(st.text(min_size=6, alphabet=st.characters(codec="utf-8")), max_size=6), st.data())
def test_no_secret_survives_inside_json(values: list[str], data: st.DataObject) -> None:
    """Redacting a tree takes every secret out of its keys and its values."""
    secrets = Secrets()
    secrets.learn(list(values))
    tree: Json = {text: [f"<{text}>"] for text in data.draw(st.permutations(values))}

    redacted = secrets.redact_json(tree)

    stripped = [value for value in values if len(value.strip()) >= 6 and "(sensitive)" not in value]
    written = json.dumps(redacted, ensure_ascii=False).replace("(sensitive)", "")
    assert not [
        value for value in stripped if json.dumps(value, ensure_ascii=False)[1:-1] in written
    ]


@pytest.mark.timeout(60)
def test_thousands_of_secrets_that_begin_alike_are_learnt_at_once() -> None:
    """As keys and addresses do: what it takes grows with their number, not with its square."""
    secrets = Secrets()
    for number in range(20_000):
        secrets.learn(f"secret-{number}")

    assert secrets.redact("secret-19999, secret-123456 and secret-x") == (
        "(sensitive), (sensitive)6 and secret-x"
    )


@pytest.mark.parametrize(
    "text",
    [
        "PersistentVolumeClaim default/postgres",
        "unit 'PersistentVolumeClaim default/postgres': waits",
        "pass --acknowledge 'manifests.db/PersistentVolumeClaim default/postgres'",
        "pass --acknowledge destroy:manifests.postgres, or not",
        "apply postgres/default at 3f2c1a9: 1 created",
        "hint: pass 'PersistentVolumeClaim default/postgres'\n",
        "error: it is left\nmanifests.postgres\nstays",
        'aws_db_instance.postgres["a"] is deleted',
    ],
)
def test_leaves_a_name_that_only_contains_a_secret(text: str) -> None:
    """A name stands in Git for everybody to read, and what is to be typed must be readable."""
    secrets = Secrets()
    secrets.learn(["postgres", "default", "PersistentVolumeClaim"])
    secrets.spare(["PersistentVolumeClaim default/postgres"])
    secrets.spare(["manifests.postgres", "postgres/default", "aws_db_instance.postgres"])

    assert secrets.redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "postgres",
        "password=postgres",
        "PersistentVolumeClaim default/other: postgres",
        "PersistentVolumeClaim default/postgres2",
        "postgres: manifests.db",
        'aws_user.all["postgres"]',
    ],
)
def test_takes_a_secret_out_that_is_no_part_of_a_name(text: str) -> None:
    """That something is called like a password does not make the password known."""
    secrets = Secrets()
    secrets.learn("postgres")
    secrets.spare(
        ["PersistentVolumeClaim default/postgres", "manifests.db", "postgres", "aws_user.all"]
    )

    assert "postgres" not in secrets.redact(text)


def test_spares_no_name_in_a_value() -> None:
    """What stands in the place of a value is one, whatever it looks like; a number is one, too."""
    secrets = Secrets()
    secrets.learn(["postgres", 54321987])
    secrets.spare(["Secret default/postgres"])

    assert secrets.redact_json(["Secret default/postgres", 54321987]) == [
        "Secret default/(sensitive)",
        "(sensitive)",
    ]


def test_what_is_learnt_after_a_plan_was_made_is_taken_out_of_it() -> None:
    """Plans are made side by side: a value of which one was taken out already, and a name, hold another's too."""
    secrets = Secrets()
    secrets.learn("own-secret")
    item = field_change(before="own-secret", after="own-secret and others-secret")
    name = 'aws_db.main["others-secret"]'
    lost = change(name, subject=Subject.RESOURCE, action=Action.DELETE, fields=(item,))
    made = plan(without_secrets(unit_plan("modules.db", lost), secrets))
    secrets.learn("others-secret")

    cleaned = without_secrets_of_others(made, secrets)

    assert "others-secret" in str(made)
    assert "secret" not in str(cleaned)
    assert 'aws_db.main["(sensitive)"]' in str(cleaned)

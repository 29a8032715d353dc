"""A plan as the ledger keeps it: what is done to what, without secrets, and bounded."""

from orchestrator.plans.change import Action, Change, FieldChange, Subject, Touch
from orchestrator.plans.recorded import drifted, recorded
from orchestrator.plans.redaction import Secrets
from orchestrator.plans.values import ABSENT
from tests.plans.builders import change, field_change, plan, unit_plan


def _show(item: FieldChange) -> str:
    return f"{item.before} → {item.after}"


def _plain(text: str) -> str:
    return text


def test_what_exists_is_told_with_its_fields_and_what_is_made_by_its_name() -> None:
    """In the plan's order; no-ops and outputs are left out."""
    scaled = field_change("spec.replicas", before=2, after=3)
    unit = unit_plan(
        "manifests.shop",
        change("Deployment shop/web", action=Action.UPDATE, fields=(scaled,)),
        change("ConfigMap shop/new", fields=(field_change("data.a", before=ABSENT, after="b"),)),
        change("Service shop/web", action=Action.MOVE, previous="manifests.old"),
        change("ConfigMap shop/same", action=Action.NO_OP),
        change("url", subject=Subject.OUTPUT, action=Action.UPDATE),
    )

    (kept,) = recorded(plan(unit), show=_show, redact=_plain).units

    assert [(each.action, each.name, each.fields) for each in kept.changes] == [
        (Action.UPDATE, "Deployment shop/web", ("spec.replicas: 2 → 3",)),
        (Action.CREATE, "ConfigMap shop/new", ()),
        (Action.MOVE, "Service shop/web", ("was manifests.old",)),
    ]


def test_a_secret_is_taken_out_before_a_line_is_cut() -> None:
    """Half of a secret would be found by nobody."""
    secrets = Secrets()
    secrets.learn("correct horse battery staple")
    value = f"{'x' * 190}correct horse battery staple"
    unit = unit_plan(
        "modules.db",
        change(
            'aws_db.main["correct horse battery staple"]',
            action=Action.UPDATE,
            fields=(field_change("url", before="", after=value),),
        ),
    )

    (kept,) = recorded(plan(unit), show=_show, redact=secrets.redact).units

    assert "correct" not in repr(kept)
    assert kept.changes[0].name == 'aws_db.main["(sensitive)"]'


def test_an_entry_stays_small() -> None:
    """Of a change with very many fields some are told, and of a plan with very many changes the first."""
    fields = tuple(field_change(f"data.k{number:03}", before=1, after=2) for number in range(30))
    changes = [
        change(f"ConfigMap shop/c{number:04}", action=Action.UPDATE, fields=fields)
        for number in range(300)
    ]

    (kept,) = recorded(plan(unit_plan("manifests.shop", *changes)), show=_show, redact=_plain).units

    assert kept.changes[0].fields[-1] == "and 10 more"
    assert len(kept.changes) == 300
    assert sum(len(each.fields) for each in kept.changes) == 2000
    assert kept.changes[-1].fields == ()


def test_drift_that_is_healed_or_told_is_counted_once() -> None:
    """By the thing: a resource is in both, told as drift and changed back."""
    touched = field_change("spec.replicas", before=5, after=2, touch=Touch(by="kubectl"))
    healed: Change = change("Deployment shop/web", action=Action.UPDATE, fields=(touched,))
    told = change("aws_vpc.main", subject=Subject.RESOURCE, action=Action.UPDATE)
    unit = unit_plan("manifests.shop", healed, told, drift=(told,))
    assert drifted(unit) == 2

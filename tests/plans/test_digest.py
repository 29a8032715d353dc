"""The digest covers what a plan would do, all of it, and nothing else."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plans.change import Action
from orchestrator.plans.digest import digest, exact_digest
from orchestrator.plans.plan import Plan, Revision
from orchestrator.plans.values import Unknown, masked
from tests.plans.builders import change, field_change, plan, unit_plan


def test_is_the_same_for_the_same_effect_at_another_revision() -> None:
    """What was approved on a request holds after the merge, which makes another commit."""
    one = plan(unit_plan("manifests.shop", change()))
    other = dataclasses.replace(one, revision=Revision(commit="f" * 40, subject="Merge"))

    assert digest(one) == digest(other)


def test_leaves_out_units_without_effect() -> None:
    """A unit that nothing happens to is no part of what is approved."""
    acting = unit_plan("manifests.shop", change())

    assert digest(plan(acting)) == digest(plan(unit_plan("modules.network"), acting))


@given(st.text(), st.text())
def test_says_nothing_about_secrets_but_in_its_exact_form(one: str, other: str) -> None:
    """What is recorded and shown gives no secret away; a saved plan, which holds them, tells them apart."""

    def of(secret: str) -> Plan:
        item = field_change("data.PASSWORD", after=masked(secret))
        return plan(unit_plan("manifests.shop", change(fields=(item,))))

    assert digest(of(one)) == digest(of(other))
    assert (exact_digest(of(one)) == exact_digest(of(other))) == (one == other)


@given(st.sampled_from(["name", "action", "value", "order", "deferred", "destroy", "code"]))
def test_changes_with_every_part_of_the_effect(part: str) -> None:
    """Whatever would be done differently gives another digest."""
    first, second = change("ConfigMap shop/a"), change("ConfigMap shop/b")
    original = plan(unit_plan("manifests.shop", first, second))
    altered = {
        "name": plan(unit_plan("manifests.shop", first, change("ConfigMap shop/c"))),
        "action": plan(
            unit_plan("manifests.shop", first, change("ConfigMap shop/b", action=Action.DELETE))
        ),
        "value": plan(
            unit_plan("manifests.shop", first, change("ConfigMap shop/b", fields=(field_change(),)))
        ),
        "order": plan(unit_plan("manifests.shop", second, first)),
        "deferred": plan(unit_plan("manifests.shop", first, second, deferred="planned later")),
        "destroy": plan(unit_plan("manifests.shop", first, second), destroy=True),
        "code": plan(dataclasses.replace(unit_plan("manifests.shop", first, second), code="1f")),
    }

    assert digest(altered[part]) != digest(original)


def test_tells_a_pending_value_from_a_text_that_looks_like_it() -> None:
    """A marker is no value: nobody can make one plan look like another by a cunning text."""
    pending = field_change(after=Unknown(sources=("modules.a.b",)))
    text = field_change(after="(known after apply: modules.a.b)")

    assert digest(plan(unit_plan("m", change(fields=(pending,))))) != digest(
        plan(unit_plan("m", change(fields=(text,))))
    )

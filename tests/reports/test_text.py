"""Plans and reports as people read them."""

from dataclasses import replace
from datetime import UTC, datetime

from orchestrator.errors import ClusterError, InvalidStack, Mistake, PlanRefused, TerraformError
from orchestrator.plans.change import Action, Subject, Touch
from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Left, Revision
from orchestrator.plans.report import Fallback, Report, UnitResult, accomplished
from orchestrator.plans.values import ABSENT, Unknown, masked
from orchestrator.reports.json import report_json
from orchestrator.reports.text import render_plan, render_report, summary
from orchestrator.stack.model import UnitId
from tests.plans.builders import change, field_change, plan, unit_plan

_WEB = "spec.template.spec.containers[name=web]"


def test_a_plan_of_every_kind_of_change() -> None:
    """Signs stand first, what fields have in common is written once, secrets are masked, the end counts."""
    network = unit_plan(
        "modules.network",
        change(
            "aws_vpc.main",
            subject=Subject.RESOURCE,
            action=Action.REPLACE,
            fields=(
                field_change(
                    "cidr_block", before="10.0.0.0/16", after="10.1.0.0/16", forces_replacement=True
                ),
                field_change("id", before="vpc-1", after=Unknown()),
            ),
        ),
        change(
            "vpc_id",
            subject=Subject.OUTPUT,
            action=Action.UPDATE,
            fields=(field_change("", before="vpc-1", after=Unknown()),),
        ),
        warnings=("the argument `enable_classiclink` is deprecated (main.tf:3)",),
    )
    database = unit_plan("modules.database", deferred="planned after modules.network is applied")
    shop = unit_plan(
        "manifests.shop",
        change("Namespace shop", action=Action.ADOPT, reason="exists and belongs to nobody"),
        change(
            "Deployment shop/web",
            action=Action.UPDATE,
            fields=(
                field_change("metadata.labels.tier", before="front", after=ABSENT),
                field_change(f"{_WEB}.image", before="web:1", after="web:2"),
                field_change(
                    f"{_WEB}.env[name=TOKEN].value", before=masked("a"), after=masked("b")
                ),
            ),
        ),
        change(
            "ConfigMap shop/urls",
            action=Action.CREATE,
            fields=(field_change("data.HOST", after=Unknown(sources=("modules.database.host",))),),
        ),
        change("Job shop/migrate-1", action=Action.DELETE),
        change("Service shop/web", action=Action.MOVE, previous="manifests.old"),
    )
    quiet = unit_plan("manifests.platform")

    assert (
        render_plan(plan(network, database, shop, quiet))
        == """\
Plan for applying shop/production at 3f2c1a9d4e (Sell socks)

  modules.network
    -/+ aws_vpc.main
        cidr_block  "10.0.0.0/16" → "10.1.0.0/16"  # forces replacement
        id          "vpc-1" → (known after apply)
    ~ output vpc_id  "vpc-1" → (known after apply)
    ! the argument `enable_classiclink` is deprecated (main.tf:3)

  modules.database
    ? planned after modules.network is applied

  manifests.shop
    & Namespace shop  (exists and belongs to nobody)
    ~ Deployment shop/web
        metadata.labels.tier  "front" → (removed)
        spec.template.spec.containers[name=web]
          image                  "web:1" → "web:2"
          env[name=TOKEN].value  (sensitive, changed)
    + ConfigMap shop/urls
        data.HOST  (known after apply: modules.database.host)
    - Job shop/migrate-1
    > manifests.old → Service shop/web

Unchanged: manifests.platform

Plan: 1 to create, 1 to update, 1 to replace, 1 to delete, 1 to move, 1 to
adopt, 1 unit planned in turn, during the apply.
Digest: DIGEST
""".replace(
            "DIGEST", render_plan(plan(network, database, shop, quiet)).split("Digest: ")[1].strip()
        )
    )


def test_what_others_changed_is_told_before_what_follows() -> None:
    """Drift is told of units without changes too, with the fields that are known."""
    bucket = change(
        "aws_s3_bucket.logs",
        subject=Subject.RESOURCE,
        action=Action.UPDATE,
        fields=(field_change("tags.owner", before="ada", after="bob"),),
    )
    drifted = unit_plan("modules.logs", drift=(bucket, replace(bucket, action=Action.DELETE)))

    assert render_plan(plan(drifted)).splitlines()[2:6] == [
        "  modules.logs",
        "    ! aws_s3_bucket.logs was updated outside of Terraform",
        '        tags.owner  "ada" → "bob"',
        "    ! aws_s3_bucket.logs was deleted outside of Terraform",
    ]


def test_a_plan_without_effect_is_said_so() -> None:
    """Nothing to do reads as one sentence, with the units that were looked at."""
    assert (
        render_plan(plan(unit_plan("modules.network"), unit_plan("manifests.shop")))
        == """\
Plan for applying shop/production at 3f2c1a9d4e (Sell socks)

Unchanged: modules.network, manifests.shop

Nothing to do: what runs is what Git says.
"""
    )


def test_what_was_left_undone_is_taken_up_by_what_may_do_so() -> None:
    """A revision that failed is applied again when somebody says so, and by no other word."""
    undone = plan(unit_plan("manifests.shop", unsettled="did not become healthy"))
    assert summary(undone).endswith("something undone: apply takes it up again.")
    failed = replace(undone, failed=True)
    assert summary(failed).endswith("something undone: apply --retry takes it up again.")


def test_a_destruction_lists_what_goes_and_not_what_it_was() -> None:
    """Names are what counts when everything goes; outputs go without saying."""
    gone = unit_plan(
        "modules.network",
        change(
            "aws_vpc.main",
            subject=Subject.RESOURCE,
            action=Action.DELETE,
            fields=(field_change("id", before="vpc-1", after=ABSENT),),
        ),
        change("vpc_id", subject=Subject.OUTPUT, action=Action.DELETE),
        removed=True,
    )

    assert render_plan(plan(gone, destroy=True)).splitlines()[:6] == [
        "Plan for destroying shop/production at 3f2c1a9d4e (Sell socks)",
        "",
        "  modules.network",
        "    - aws_vpc.main",
        "",
        "Plan: 1 to delete.",
    ]


def test_drift_that_is_healed_is_told_with_who_and_when() -> None:
    """The line of the object says it of all its fields; where Git changed some too, each one that drifted does."""
    touch = Touch(by="kubectl-edit", at=datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC))
    drifted = field_change("data.wall", before="red", after="white", touch=touch)
    reason = f"heals drift: changed {touch}"
    only = change("ConfigMap shop/a", action=Action.UPDATE, reason=reason, fields=(drifted,))
    both = change(
        "ConfigMap shop/b",
        action=Action.UPDATE,
        reason=reason,
        fields=(field_change("data.door", before="blue", after="green"), drifted),
    )

    assert render_plan(plan(unit_plan("manifests.shop", only, both))).splitlines()[2:11] == [
        "  manifests.shop",
        "    ~ ConfigMap shop/a",
        "        (heals drift: changed by kubectl-edit at 2026-03-14 09:26:53 UTC)",
        '        data.wall  "red" → "white"',
        "    ~ ConfigMap shop/b",
        "        (heals drift: changed by kubectl-edit at 2026-03-14 09:26:53 UTC)",
        "        data",
        '          door  "blue" → "green"',
        '          wall  "red" → "white"  # drift',
    ]


def test_drift_that_is_left_is_told_and_counted() -> None:
    """Nothing would be done about it: it has a sign of its own, what was applied and what is live, and a count."""
    changed = change(
        "Deployment shop/web",
        action=Action.UPDATE,
        reason="by kubectl through scale; left as it is",
        fields=(field_change("spec.replicas", before=2, after=5, touch=Touch(by="kubectl")),),
    )
    gone = change("ConfigMap shop/a", action=Action.DELETE, reason="left as it is")

    assert (
        render_plan(plan(unit_plan("manifests.shop", drift=(changed, gone))))
        == """\
Plan for applying shop/production at 3f2c1a9d4e (Sell socks)

  manifests.shop
    ! Deployment shop/web was updated outside of this stack
        (by kubectl through scale; left as it is)
        spec.replicas  2 → 5
    ! ConfigMap shop/a was deleted outside of this stack  (left as it is)

Nothing to do: what runs is what Git says, but for 2 drifted objects left as
they are.
"""
    )


def test_fields_that_are_left_to_others_are_told_and_counted() -> None:
    """Nobody calls equal what differs: each object is named with its fields, and the last line counts them."""
    left = (
        Left(name="Deployment shop/web", fields=("spec.replicas",), to="autoscaler"),
        Left(name="ConfigMap shop/a", fields=("data.x", "data.y")),
    )

    assert (
        render_plan(plan(unit_plan("manifests.shop", left=left)))
        == """\
Plan for applying shop/production at 3f2c1a9d4e (Sell socks)

  manifests.shop
    ! Deployment shop/web: spec.replicas differs from Git, left to autoscaler
    ! ConfigMap shop/a: data.x, data.y differ from Git, left as others set it

Nothing to do: what runs is what Git says, but for 3 fields left to others.
"""
    )


def test_objects_that_are_left_alone_are_counted() -> None:
    """What an annotation keeps from being looked after may differ in anything: the last line says how many do."""
    why = "ConfigMap shop/a: left alone: it is annotated orchestrator/reconcile: disabled"
    drifted = (change("ConfigMap shop/b", fields=(field_change("data.x", before="1", after="2"),)),)
    unit = unit_plan("manifests.shop", warnings=(why,), alone=1, drift=drifted)

    assert render_plan(plan(unit)).endswith(
        """
Nothing to do: what runs is what Git says, but for 1 drifted object left as it
is and 1 object left alone.
"""
    )
    updated = change("Service shop/web", fields=(field_change("spec.x", before=1, after=2),))
    unit = unit_plan("manifests.shop", updated, warnings=(why,), alone=2)
    assert "Plan: 1 to create, 2 objects left alone." in render_plan(plan(unit))


def test_what_has_no_room_in_a_line_gets_lines_of_its_own() -> None:
    """Paths and values stay whole, so that they can be copied; what is long stands below the name."""
    long = "registry.example.com/a-team/with-a-long-name/web"
    forcing = field_change(f"spec.{'x' * 60}", before=1, after=2, forces_replacement=True)
    image = field_change("spec.image", before=f"{long}:1", after=f"{long}:2")
    label = field_change("spec.label", after=f"{long}/and/still/more")
    warning = f"ConfigMap shop/a: left alone: it is annotated {'orchestrator/reconcile: disabled'}"
    shown = change("Service shop/web", action=Action.UPDATE, fields=(image, label, forcing))

    assert f"""
    ~ Service shop/web
        spec
          image
            "{long}:1"
            → "{long}:2"
          label
            "{long}/and/still/more"
          {"x" * 60}
            1 → 2  # forces replacement
    ! ConfigMap shop/a: left alone: it is annotated orchestrator/reconcile:
      disabled
""" in render_plan(plan(unit_plan("manifests.shop", shown, warnings=(warning,))))


def test_values_that_would_fool_a_terminal_are_escaped() -> None:
    """A value that turns the direction of writing or moves the cursor is shown as what it is."""
    item = field_change("data.NAME", after="abc\u202edef\x1b[2J\u200b")

    shown = render_plan(plan(unit_plan("manifests.shop", change(fields=(item,)))))

    assert '"abc\\u202edef\\u001b[2J\\u200b"' in shown


def test_a_long_value_is_cut_and_counted() -> None:
    """A certificate must not push the change below it off the screen."""
    item = field_change("data.CERTIFICATE", after="x" * 5000)

    shown = render_plan(plan(unit_plan("manifests.shop", change(fields=(item,)))))

    assert "(5002 characters)" in shown
    assert max(map(len, shown.splitlines())) < 250


def test_a_report_puts_failures_with_their_causes_before_the_last_line() -> None:
    """The last line says how it ended; why stands above it, whole."""
    failed = UnitResult(
        unit=UnitId("manifests.shop"),
        outcome=Outcome.FAILED,
        error=ClusterError(
            "Deployment shop/web did not become healthy",
            detail="pod web-1: image not found",
            hint="mend the image and apply again",
        ),
    )
    done = UnitResult(
        unit=UnitId("modules.network"),
        outcome=Outcome.APPLIED,
        changes=(change("aws_vpc.main", subject=Subject.RESOURCE),),
    )
    report = Report(plan=plan(), results=(done, failed), entry="0123456789abcdef", seconds=12.34)

    assert (
        render_report(report)
        == """\
manifests.shop: Deployment shop/web did not become healthy
  pod web-1: image not found
  hint: mend the image and apply again

Failed: shop/production at 3f2c1a9d4e in 12.3 s: 1 created, failed at
manifests.shop. Ledger entry 0123456789.
"""
    )


def test_a_report_counts_what_failed_units_did() -> None:
    """What they had done before they failed is done; of what got no answer nobody can tell, and that is said."""
    failed = UnitResult(
        unit=UnitId("manifests.shop"),
        outcome=Outcome.FAILED,
        changes=(change("ConfigMap shop/a"), change("ConfigMap shop/b", action=Action.UPDATE)),
        unknown=("ConfigMap shop/c",),
        error=ClusterError("the API server does not answer"),
    )
    text = render_report(report := Report(plan=plan(), results=(failed,)))
    assert text.endswith("1 created, 1 updated, 1 may be\ndone, failed at manifests.shop.\n")
    told = report_json(report)["results"]
    assert isinstance(told, list)
    assert isinstance(told[0], dict)
    assert told[0]["counts"] == {"create": 1, "update": 1}
    assert told[0]["unknown"] == ["ConfigMap shop/c"]
    stopped = replace(failed, outcome=Outcome.INTERRUPTED)
    text = " ".join(render_report(Report(plan=plan(), results=(stopped,))).split())
    assert ": 1 created, 1 updated, 1 may be done. Run apply again" in text


def test_a_report_names_a_failed_unit_once() -> None:
    """Terraform's errors name their unit, since planning raises them too."""
    error = TerraformError("modules.network: apply failed: no such region")
    failed = UnitResult(unit=UnitId("modules.network"), outcome=Outcome.FAILED, error=error)

    text = render_report(Report(plan=plan(), results=(failed,)))

    assert text.splitlines()[0] == "modules.network: apply failed: no such region"


def test_a_report_says_when_only_the_ledger_failed() -> None:
    """What was done was done; that it could not be recorded is a failure all the same."""
    report = Report(
        plan=plan(), results=(), trouble=TerraformError("the remote refused the entry"), seconds=1.0
    )

    text = render_report(report)

    assert "the remote refused the entry" in text
    assert text.rstrip().splitlines()[-1].startswith("Failed: shop/production")


def test_a_report_tells_the_mistakes_of_a_unit() -> None:
    """What cannot be known before an apply is found in the middle of one: a number of mistakes helps nobody."""
    mistake = Mistake(message="module 'a' has no output 'id'", hint="did you mean 'ids'?")
    failed = UnitResult(
        unit=UnitId("modules.b"), outcome=Outcome.FAILED, error=InvalidStack((mistake,))
    )

    text = render_report(Report(plan=plan(), results=(failed,)))

    assert "modules.b: 1 mistake found" in text
    assert "module 'a' has no output 'id'" in text
    assert "did you mean 'ids'?" in text


def test_protection_that_ends_is_told_and_counted() -> None:
    """It is a change of its own, also when nothing else happens to the unit."""
    text = render_plan(plan(unit_plan("modules.database", lifted=True, effective=True)))

    assert "! protection lifted: once this is applied, a plan may delete or replace it" in text
    assert "Plan: protection of 1 unit lifted." in text


def test_workloads_that_were_brought_back_are_told() -> None:
    """Which revision they are of, what stays where it is, and where it is recorded."""
    revision = Revision(commit="a1b2c3d4e5f6a7b8c9d0")
    back = Report(
        plan=plan(unit_plan("manifests.shop"), revision=revision),
        results=(
            UnitResult(
                unit=UnitId("manifests.shop"),
                outcome=Outcome.APPLIED,
                changes=(change(action=Action.UPDATE),),
            ),
        ),
        entry="fedcba9876543210",
    )
    failed = UnitResult(unit=UnitId("manifests.shop"), outcome=Outcome.FAILED)
    report = Report(plan=plan(), results=(failed,), fallback=Fallback(report=back))

    text = " ".join(render_report(report).split())

    assert text.endswith(
        "Brought back the workloads of a1b2c3d4e5, the last healthy revision: 1 updated. The infrastructure stays at"
        " 3f2c1a9d4e, and so does what that added. Ledger entry fedcba9876."
    )


def test_what_was_owed_alone_is_no_apply_that_changed_nothing() -> None:
    """A run that only brings back what an earlier one owed says so, and not that there was nothing to change."""
    trouble = PlanRefused("it failed before")
    report = Report(plan=plan(), results=(), trouble=trouble)
    owed = replace(report, fallback=Fallback())

    assert render_report(owed).splitlines()[-1] == (
        "Not applied again: shop/production at 3f2c1a9d4e, which failed before."
    )
    assert accomplished(report) == "nothing of it was done"


def test_workloads_that_were_not_brought_back_are_told_with_the_reason() -> None:
    """Nobody has to guess what state the stack is in."""
    error = ClusterError("the API server does not answer", hint="look at it")
    failed = UnitResult(unit=UnitId("manifests.shop"), outcome=Outcome.FAILED)
    report = Report(plan=plan(), results=(failed,), fallback=Fallback(error=error))

    assert render_report(report).splitlines()[-3:] == [
        "The workloads of the last healthy revision were not brought back:",
        "  the API server does not answer",
        "  hint: look at it",
    ]

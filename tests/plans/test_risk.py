"""What a plan puts at risk: which types lose data, what a stack says of its own, and how it is told."""

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import pytest

from orchestrator.errors import PlanRefused
from orchestrator.plans.change import Action, Change, Risk, Subject
from orchestrator.plans.digest import digest
from orchestrator.plans.guards import check_late_losses, check_losses, unacknowledged
from orchestrator.plans.plan import Plan, UnitPlan
from orchestrator.plans.report import intended
from orchestrator.plans.risk import assessed, at_risk, merged, risk_of
from orchestrator.plans.risks import TABLE
from orchestrator.reports.json import plan_json
from orchestrator.reports.text import render_plan
from tests.plans.builders import change, plan, unit_plan


def gone(type_: str, name: str = "main", **given: object) -> Change:
    """Return a resource that is deleted."""
    given = {"subject": Subject.RESOURCE, "action": Action.DELETE, "type": type_, **given}
    return change(f"{type_}.{name}", **given)


def at_stake(*units: UnitPlan, own: dict[str, Risk] | None = None, **given: object) -> Plan:
    """Return a plan whose changes are assessed, as they are before anybody sees them."""
    return plan(*(assessed(unit, own or {}) for unit in units), **given)


@pytest.mark.parametrize(
    "type_",
    [
        *("aws_db_instance", "aws_rds_cluster", "aws_dynamodb_table", "aws_s3_bucket"),
        *("aws_ebs_volume", "aws_efs_file_system", "aws_fsx_lustre_file_system", "aws_kms_key"),
        *("aws_sqs_queue", "aws_secretsmanager_secret", "aws_eks_cluster", "aws_backup_vault"),
        *("google_sql_database_instance", "google_storage_bucket", "google_compute_disk"),
        *("google_kms_crypto_key", "google_pubsub_subscription", "google_spanner_database"),
        *("azurerm_mssql_database", "azurerm_storage_account", "azurerm_managed_disk"),
        *("azurerm_key_vault", "azurerm_cosmosdb_sql_database", "azurerm_resource_group"),
        *("hcloud_volume", "digitalocean_database_cluster", "cloudflare_r2_bucket"),
        *("openstack_blockstorage_volume_v3", "unheardof_database", "unheardof_bucket"),
        *("tls_private_key", "kubernetes_persistent_volume_claim_v1", "docker_volume"),
        *("PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition"),
        *("Cluster.postgresql.cnpg.io", "Kafka.kafka.strimzi.io", "VolumeSnapshot"),
    ],
)
def test_what_holds_data_loses_it(type_: str) -> None:
    """Databases, volumes, buckets, disks, keys, file systems, queues, of every cloud and of none we know."""
    assert risk_of(type_, {}) is Risk.DATA_LOSS


@pytest.mark.parametrize(
    ("type_", "risk"),
    [
        ("aws_instance", Risk.RECREATED),
        ("aws_vpc", Risk.RECREATED),
        ("aws_batch_job_queue", Risk.RECREATED),
        ("StatefulSet", Risk.RECREATED),
        ("Secret", Risk.RECREATED),
        ("unheardof_thing", Risk.RECREATED),
        ("aws_s3_bucket_policy", Risk.REVERSIBLE),
        ("aws_iam_role_policy_attachment", Risk.REVERSIBLE),
        ("google_project_iam_member", Risk.REVERSIBLE),
        ("azurerm_network_security_rule", Risk.REVERSIBLE),
        ("terraform_data", Risk.REVERSIBLE),
        ("ConfigMap", Risk.REVERSIBLE),
    ],
)
def test_what_holds_none_does_not(type_: str, risk: Risk) -> None:
    """What belongs to a bucket is no bucket; what nobody knows is taken to be made again."""
    assert risk_of(type_, {}) is risk


def test_no_pattern_of_the_table_hides_a_name_of_another_risk() -> None:
    """A whole name that a pattern fits is there because it is an exception to it."""
    patterns = {pattern: risk for pattern, risk in TABLE.items() if {"*", "["} & {*pattern}}
    needless = {
        name
        for name, risk in TABLE.items()
        if name not in patterns
        and next((found for pattern, found in patterns.items() if fnmatchcase(name, pattern)), None)
        is risk
    }
    assert needless == set()


def test_a_stacks_own_word_comes_first() -> None:
    """By name before by pattern, and either before the table that comes with us."""
    own = {
        "acme_*": Risk.DATA_LOSS,
        "acme_cache": Risk.REVERSIBLE,
        "aws_db_instance": Risk.RECREATED,
    }
    assert risk_of("acme_ledger", own) is Risk.DATA_LOSS
    assert risk_of("acme_cache", own) is Risk.REVERSIBLE
    assert risk_of("aws_db_instance", own) is Risk.RECREATED
    assert risk_of("aws_s3_bucket", own) is Risk.DATA_LOSS


def test_only_what_goes_is_at_risk() -> None:
    """A creation, an update and a forgotten resource lose nothing; nor does an output."""
    harmless = [
        gone("aws_db_instance", action=action)
        for action in Action
        if action not in {Action.DELETE, Action.REPLACE}
    ]
    output = change("host", subject=Subject.OUTPUT, action=Action.DELETE)
    left = gone("aws_db_instance", action=Action.REPLACE, risk=Risk.REVERSIBLE)
    assert at_risk(at_stake(unit_plan("modules.database", *harmless, output))) == ()
    assert [one.risk for one in at_risk(at_stake(unit_plan("modules.database", left)))] == [
        Risk.REVERSIBLE
    ]


def test_what_is_lost_stands_first_and_is_counted() -> None:
    """The worst first, before any unit; what loses data is also marked where it stands."""
    shown = at_stake(
        unit_plan("modules.network", gone("aws_vpc", action=Action.REPLACE), gone("aws_route")),
        unit_plan("modules.database", gone("aws_db_instance")),
    )
    assert render_plan(shown).splitlines()[1:12] == [
        "",
        "  ! 1 loses data: aws_db_instance.main",
        "    1 can be made again: aws_vpc.main",
        "    1 is reversible",
        "",
        "  modules.network",
        "    -/+ aws_vpc.main",
        "    - aws_route.main",
        "",
        "  modules.database",
        "    - aws_db_instance.main  # loses data",
    ]
    assert "Plan: 1 to replace, 2 to delete, 1 loses data." in render_plan(shown)
    assert intended(shown) == "1 to replace, 2 to delete, 1 losing data"


def test_programs_are_told_the_same() -> None:
    """Under the plan, by risk, and at each change."""
    document = plan_json(at_stake(unit_plan("modules.database", gone("aws_db_instance"))))
    assert document["risks"] == {
        "data-loss": [
            {"unit": "modules.database", "name": "aws_db_instance.main", "type": "aws_db_instance"}
        ],
        "recreated": [],
        "reversible": [],
    }
    units: Any = document["units"]
    assert units[0]["changes"][0]["risk"] == "data-loss"


def test_an_approval_does_not_outlive_another_view_of_the_risk() -> None:
    """Two plans that differ in what they lose have two digests."""
    unit = unit_plan("modules.database", gone("aws_db_instance"))
    assert digest(at_stake(unit)) != digest(at_stake(unit, own={"aws_*": Risk.REVERSIBLE}))


def test_a_loss_has_to_be_named() -> None:
    """By its name, with its unit, or with all of its unit; naming something else is naming nothing."""
    doomed = at_stake(unit_plan("modules.database", gone("aws_db_instance"), gone("aws_vpc")))
    for word in ("aws_db_instance.main", "modules.database/aws_db_instance.main"):
        check_losses(doomed, {word})
    check_losses(doomed, {"destroy:modules.database"})
    for words in ((), {"aws_vpc.main"}, {"destroy:modules.network"}):
        with pytest.raises(PlanRefused) as refused:
            check_losses(doomed, words)
        assert refused.value.message == "what is in aws_db_instance.main would be lost by this plan"
        assert refused.value.hint == "if that is meant, pass --acknowledge aws_db_instance.main"


def test_two_of_one_name_are_told_apart() -> None:
    """Naming what two units have acknowledges neither of them."""
    doomed = at_stake(
        unit_plan("modules.eu", gone("aws_s3_bucket")),
        unit_plan("modules.us", gone("aws_s3_bucket")),
    )
    assert len(unacknowledged(doomed, {"aws_s3_bucket.main"})) == 2
    (left,) = unacknowledged(doomed, {"modules.eu/aws_s3_bucket.main"})
    assert left.unit == "modules.us"
    assert "modules.eu/aws_s3_bucket.main, modules.us/aws_s3_bucket.main" in render_plan(doomed)


def test_destroying_takes_what_contains_and_asks_for_what_is_in_it() -> None:
    """A namespace goes with a destroy that was asked for; a volume claim has to be named."""
    parts = [
        change(name, action=Action.DELETE)
        for name in ("Namespace shop", "CustomResourceDefinition x")
    ]
    claim = change("PersistentVolumeClaim shop/orders", action=Action.DELETE)
    assert unacknowledged(at_stake(unit_plan("manifests.shop", *parts), destroy=True), ()) == ()
    assert len(unacknowledged(at_stake(unit_plan("manifests.shop", *parts)), ())) == 2
    (left,) = unacknowledged(at_stake(unit_plan("manifests.shop", *parts, claim), destroy=True), ())
    assert left.name == "PersistentVolumeClaim shop/orders"
    with pytest.raises(PlanRefused) as refused:
        check_losses(at_stake(unit_plan("manifests.shop", claim)), ())
    assert "--acknowledge 'PersistentVolumeClaim shop/orders'" in refused.value.hint


def test_what_turns_out_late_to_be_lost_was_named_by_nobody() -> None:
    """Unless it was shown before; a name that was given for another unit does not count."""
    late = assessed(unit_plan("modules.late", gone("aws_db_instance")), {})
    other = at_stake(unit_plan("modules.database", gone("aws_db_instance")))
    with pytest.raises(PlanRefused, match="could only be planned now"):
        check_late_losses(other, late, {"aws_db_instance.main"})
    check_late_losses(other, late, {"destroy:modules.late"})
    check_late_losses(plan(late), late, {"aws_db_instance.main"})


def test_what_a_replacement_left_over_was_named_with_it() -> None:
    """Another attempt deletes the old one under the same address: nobody has to name that a second time."""
    shown = at_stake(unit_plan("modules.late", gone("aws_db_instance")))
    left = replace(gone("aws_db_instance"), name="aws_db_instance.main (deposed 3fa01bc2)")
    late = assessed(unit_plan("modules.late", left), {})
    check_late_losses(shown, late, {"aws_db_instance.main"})


@pytest.mark.parametrize(
    ("before", "now", "risk"),
    [
        ({"acme_*": Risk.DATA_LOSS}, {}, Risk.DATA_LOSS),
        ({"acme_*": Risk.DATA_LOSS}, {"acme_ledger": Risk.REVERSIBLE}, Risk.DATA_LOSS),
        ({"acme_*": Risk.REVERSIBLE}, {}, Risk.RECREATED),
        ({"other": Risk.DATA_LOSS}, {}, Risk.RECREATED),
        ({}, {"acme_ledger": Risk.DATA_LOSS}, Risk.DATA_LOSS),
    ],
)
def test_a_line_that_is_gone_makes_nothing_less_precious(
    before: dict[str, Risk], now: dict[str, Risk], risk: Risk
) -> None:
    """What the stack said when it was applied counts too, where that is worse."""
    unit = assessed(unit_plan("modules.a", gone("acme_ledger")), now, before=before)
    assert unit.changes[0].risk is risk


def test_what_is_worse_stays_when_two_tables_are_merged() -> None:
    """After an apply that failed both hold: what it left may be of the one or of the other."""
    before = {"a": Risk.DATA_LOSS, "b": Risk.REVERSIBLE}
    now = {"a": Risk.RECREATED, "b": Risk.RECREATED, "c": Risk.REVERSIBLE}
    both = {"a": Risk.DATA_LOSS, "b": Risk.RECREATED, "c": Risk.REVERSIBLE}
    assert merged(before, now) == both

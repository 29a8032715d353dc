"""More previews: what guards, settings and engines say, and plans in which one thing stands alone."""

from collections.abc import Callable
from dataclasses import replace

from orchestrator.errors import (
    AccessDenied,
    InvalidStack,
    Locked,
    Mistake,
    OrchestratorError,
    PlanRefused,
    TerraformError,
)
from orchestrator.plans.change import Action, Change, Risk, Subject
from orchestrator.plans.plan import UnitPlan
from orchestrator.plans.preview import Preview, StackPreview
from orchestrator.plans.values import ABSENT, Unknown, masked
from tests.plans.builders import change, field_change, plan, unit_plan
from tests.reports.preview.building import failing, of, preview, resource


def _resource_alone(action: Action, **given: object) -> Preview:
    return preview(of(unit_plan("modules.network", resource("aws_vpc.main", action, **given))))


def _created() -> Preview:
    fields = (
        field_change("cidr_block", after="10.0.0.0/16"),
        field_change("id", after=Unknown()),
        field_change("tags.team", after="shop"),
        field_change("tags.cost", after=None),
    )
    made = resource("aws_vpc.main", Action.CREATE, *fields)
    return preview(of(unit_plan("modules.network", made)))


def _deleted() -> Preview:
    return _resource_alone(Action.DELETE, risk=Risk.RECREATED)


def _forgotten() -> Preview:
    return _resource_alone(Action.FORGET)


def _imported() -> Preview:
    return _resource_alone(Action.IMPORT)


def _several_refusals() -> Preview:
    window = PlanRefused(
        "production may be applied from Mon 09:00 to 16:00 UTC",
        hint="the window opens at 2026-03-16 09:00 UTC",
    )
    lost = PlanRefused(
        "what is in PersistentVolumeClaim shop/files would be lost by this plan",
        hint="if that is meant, pass --acknowledge 'PersistentVolumeClaim shop/files'",
    )
    return preview(
        replace(_files_gone(), refusals=(lost,), awaited=(_unapproved(),), later=(window,))
    )


def _unapproved() -> PlanRefused:
    return PlanRefused(
        "the plan 81fec9c1e95bf0ab of shop/production is not approved",
        hint="somebody else approves it with: orchestrator approve 81fec9c1e95bf0ab shop --env production",
        detail="beyond what Ada Lovelace approved:\n  to delete PersistentVolumeClaim shop/files",
    )


def _files_gone() -> StackPreview:
    gone = change("PersistentVolumeClaim shop/files", action=Action.DELETE, risk=Risk.DATA_LOSS)
    return of(unit_plan("manifests.shop", gone))


def _waiting_for_approval() -> Preview:
    return preview(replace(of(unit_plan("manifests.shop", change())), awaited=(_unapproved(),)))


def _approved() -> Preview:
    lost = PlanRefused("what is in PersistentVolumeClaim shop/files would be lost by this plan")
    by = ("Ada Lovelace <ada@example.org>", "Grace Hopper <grace@example.org>")
    return preview(replace(_files_gone(), refusals=(lost,), approved_by=by))


def _whole_units_lost() -> Preview:
    names = ("orders", "carts", "users")
    lost = (
        resource(f"aws_dynamodb_table.{name}", Action.DELETE, risk=Risk.DATA_LOSS) for name in names
    )
    volumes = (
        change(f"PersistentVolumeClaim shop/{name}", action=Action.DELETE, risk=Risk.DATA_LOSS)
        for name in names
    )
    return preview(
        of(
            unit_plan("modules.tables", *lost, removed=True),
            unit_plan("manifests.shop", *volumes, removed=True),
        )
    )


def _settings_of_the_base() -> Preview:
    made = preview(of(unit_plan("manifests.shop", change())))
    return replace(
        made,
        notes=(
            "blog is no longer in Git: what it made stays, unless it is destroyed before",
            "orchestrator.yaml changes: that of the base counts",
        ),
    )


def _noted_without_effect() -> Preview:
    note = "orchestrator.yaml changes: that of the base counts"
    return replace(preview(of(unit_plan())), notes=(note,))


def _all_environments() -> Preview:
    names = ("canary", "development", "production-ap", "production-eu", "production-us", "staging")
    return preview(*(of(unit_plan("manifests.shop", change()), environment=name) for name in names))


def _no_access() -> Preview:
    error = AccessDenied(
        'context prod-eu: deployments.apps is forbidden: User "ci" cannot list resource',
        hint="grant the verbs get, list and patch, or plan with other credentials",
    )
    return preview(failing(error))


def _locked() -> Preview:
    error = Locked("shop/production is locked by Ada Lovelace since 2026-03-14 09:26 UTC")
    return preview(failing(error))


def _several_units_failed() -> Preview:
    detail = (
        "modules.network: plan failed\n  Error: Invalid index\n"
        "modules.database: plan failed\n  Error: no such variable\n  hint: see variables.tf"
    )
    return preview(failing(OrchestratorError("2 units could not be planned", detail=detail)))


def _unreadable_stack() -> Preview:
    mistakes = InvalidStack((Mistake(message="stacks/shop/stack.yaml is no YAML: line 3"),))
    return preview(StackPreview(stack="shop", environment="*", error=mistakes))


def _other_alphabets() -> Preview:
    greeting = change(
        "ConfigMap shop/größe",
        action=Action.UPDATE,
        fields=(field_change("data.こんにちは", before="Grüße 👋", after="مرحبا"),),
    )
    return preview(of(unit_plan("manifests.shop", greeting)))


def _fields_that_come_and_go() -> Preview:
    fields = (
        field_change("metadata.labels.tier", before="front", after=ABSENT),
        field_change("spec.ports[name=http].port", before=80, after=8080),
        field_change("spec.ports[order]", before=["a", "b"], after=["b", "a"]),
        field_change("spec.selector", after={"app": "web"}),
        field_change("spec.token", before=masked("a"), after=ABSENT),
    )
    hit = change("Service shop/web", action=Action.UPDATE, fields=fields)
    return preview(of(unit_plan("manifests.shop", hit)))


def _a_quick_look() -> Preview:
    looked = "nothing of it changed since it was applied"
    return preview(
        of(
            unit_plan("modules.network", unlooked=looked),
            unit_plan("manifests.shop", change()),
        )
    )


def _a_new_cluster() -> Preview:
    waits = "planned after modules.cluster.endpoint is known"
    cluster = resource("aws_eks_cluster.main", Action.CREATE)
    units: tuple[UnitPlan, ...] = (
        unit_plan("modules.cluster", cluster),
        unit_plan("manifests.platform", deferred=waits),
        unit_plan("manifests.shop", deferred=waits),
    )
    return preview(of(*units))


def _outputs_that_go() -> Preview:
    output: Change = change("url", subject=Subject.OUTPUT, action=Action.DELETE)
    gone = resource("aws_vpc.main", Action.DELETE, risk=Risk.RECREATED)
    made = plan(unit_plan("modules.network", gone, output, removed=True))
    return preview(StackPreview(stack="shop", environment="production", plan=made))


def _warned() -> Preview:
    error = TerraformError("modules.network: plan failed", hint="run terraform init")
    warning = "Argument is deprecated (main.tf:3)"
    return preview(
        of(unit_plan("modules.network", warnings=(warning,)), environment="staging"),
        failing(error),
    )


def _policies_change() -> Preview:
    keys = ("guards.prune", "ledger.path", "modules.database.protect", "risks.aws_db_instance")
    made = plan(unit_plan("manifests.shop", change()), environment="staging")
    error = TerraformError("modules.network: plan failed", hint="run terraform init")
    return preview(
        StackPreview(stack="shop", environment="staging", plan=made, overruled=keys),
        replace(failing(error), overruled=keys[:1]),
    )


def _unjudged() -> Preview:
    made = plan(unit_plan("manifests.shop", change()), environment="staging")
    quiet = plan(unit_plan("manifests.shop"), environment="production")
    why = "its orchestrator.yaml cannot be read: unknown key 'nonsense'"
    note = "orchestrator.yaml of the base cannot be read: that of the request counts"
    planned = preview(
        StackPreview(stack="shop", environment="staging", plan=made, unjudged=why),
        StackPreview(stack="shop", environment="production", plan=quiet, unjudged=why),
    )
    return replace(planned, notes=(note,))


MORE: dict[str, Callable[[], Preview]] = {
    "one creation": _created,
    "one deletion": _deleted,
    "one thing forgotten": _forgotten,
    "one import": _imported,
    "several guards refuse": _several_refusals,
    "a plan needs approval": _waiting_for_approval,
    "settings of the base that are repaired": _unjudged,
    "what is refused was approved": _approved,
    "units that go with their data": _whole_units_lost,
    "the settings of the base": _settings_of_the_base,
    "a note without effect": _noted_without_effect,
    "all environments": _all_environments,
    "no access": _no_access,
    "a lock": _locked,
    "several units failed": _several_units_failed,
    "a stack that cannot be read": _unreadable_stack,
    "other alphabets": _other_alphabets,
    "fields that come and go": _fields_that_come_and_go,
    "a quick look": _a_quick_look,
    "a new cluster": _a_new_cluster,
    "outputs go with their module": _outputs_that_go,
    "a warning without effect": _warned,
    "policies change": _policies_change,
}

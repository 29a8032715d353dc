"""Previews of requests as they come about, by the names of their golden comments."""

from collections.abc import Callable
from datetime import UTC, datetime

from orchestrator.errors import (
    ClusterUnreachable,
    InvalidStack,
    Mistake,
    Place,
    PlanRefused,
    RepositoryError,
    TerraformError,
)
from orchestrator.plans.change import Action, Change, Risk, Subject, Touch
from orchestrator.plans.plan import (
    Considered,
    Lasting,
    Left,
    Restored,
    Revision,
    Since,
    Unrestored,
)
from orchestrator.plans.preview import Preview, StackPreview
from orchestrator.plans.values import ABSENT, Redacted, Unknown, masked
from orchestrator.stack.model import UnitId
from tests.plans.builders import REVISION, change, field_change, plan, unit_plan
from tests.reports.preview.building import failing, of, preview, resource
from tests.reports.preview.more_samples import MORE

_WEB = "spec.template.spec.containers[name=web]"


def _image(before: str = "web:1", after: str = "web:2") -> Change:
    return change(
        "Deployment shop/web",
        action=Action.UPDATE,
        fields=(field_change(f"{_WEB}.image", before=before, after=after),),
    )


def _database(risk: Risk = Risk.DATA_LOSS) -> Change:
    forcing = field_change(
        "engine", before="postgres", after="aurora-postgresql", forces_replacement=True
    )
    return resource("aws_db_instance.shop", Action.REPLACE, forcing, risk=risk)


def _config(number: int) -> Change:
    return change(
        f"ConfigMap shop/part-{number:04}", fields=(field_change("data.PART", after=number),)
    )


def _small() -> Preview:
    return preview(of(unit_plan("manifests.shop", _image())))


def _without_effect() -> Preview:
    return preview(of(unit_plan()), of(unit_plan(), environment="staging"))


def _no_stack() -> Preview:
    return preview()


def _everything() -> Preview:
    network = unit_plan(
        "modules.network",
        resource(
            "aws_vpc.main", Action.UPDATE, field_change("tags.team", before="web", after="shop")
        ),
        resource("aws_subnet.a", Action.MOVE, previous="aws_subnet.one"),
        resource("aws_eip.nat", Action.IMPORT),
        resource("aws_iam_role.old", Action.FORGET),
        resource("data.aws_ami.base", Action.READ, reason="configuration not known yet"),
        change(
            "vpc_id",
            subject=Subject.OUTPUT,
            action=Action.UPDATE,
            fields=(field_change("", before="vpc-1", after=Unknown()),),
        ),
        warnings=("the argument `classiclink` is deprecated (main.tf:3)",),
    )
    shop = unit_plan(
        "manifests.shop",
        _image(),
        change("Namespace shop", action=Action.ADOPT, reason="exists and belongs to nobody"),
        change("ConfigMap shop/urls", fields=(field_change("data.HOST", after="db.internal"),)),
        change("Job shop/migrate-1", action=Action.DELETE, risk=Risk.REVERSIBLE),
    )
    return preview(of(network, unit_plan("modules.database", _database()), shop))


def _data_loss() -> Preview:
    lost = unit_plan(
        "manifests.shop",
        change("PersistentVolumeClaim shop/files", action=Action.DELETE, risk=Risk.DATA_LOSS),
    )
    return preview(of(unit_plan("modules.database", _database()), lost))


def _losing_many() -> Preview:
    buckets = (
        resource(f'aws_s3_bucket.logs["{name}"]', Action.DELETE, risk=Risk.DATA_LOSS)
        for name in ("a", "b", "c", "d", "e", "f", "g")
    )
    return preview(of(unit_plan("modules.logs", *buckets)))


def _refused() -> Preview:
    gone = unit_plan(
        "modules.database", resource("aws_db_instance.shop", Action.DELETE), removed=True
    )
    refusal = PlanRefused(
        "modules.database is protected, and this plan would delete or replace aws_db_instance.shop",
        hint="if that is meant, pass --acknowledge destroy:modules.database",
    )
    made = plan(gone)
    return preview(
        StackPreview(stack="shop", environment="production", plan=made, refusals=(refusal,))
    )


def _pending() -> Preview:
    urls = change(
        "ConfigMap shop/urls",
        fields=(field_change("data.HOST", after=Unknown(sources=("modules.database.host",))),),
    )
    waits = ("modules.network.subnets",)
    return preview(
        of(
            unit_plan("modules.network", resource("aws_subnet.a", Action.CREATE)),
            unit_plan(
                "modules.database", resource("aws_db_instance.shop", Action.CREATE), pending=waits
            ),
            unit_plan("modules.cache", deferred="planned after modules.database is applied"),
            unit_plan("manifests.shop", urls, pending=("modules.database.host",)),
        )
    )


def _secrets() -> Preview:
    changed = change(
        "Secret shop/login",
        action=Action.UPDATE,
        fields=(
            field_change("data.password", before=masked("a"), after=masked("b")),
            field_change("metadata.annotations.address", before="https://ada@db", after=ABSENT),
            field_change(
                "stringData.url",
                before=Redacted(value="postgres://(sensitive)@db", fingerprint="1"),
                after=Redacted(value="postgres://(sensitive)@db", fingerprint="2"),
            ),
        ),
    )
    return preview(of(unit_plan("manifests.shop", changed)))


def _long_values() -> Preview:
    before = "".join(f"line {number}\n" for number in range(80))
    after = before.replace("line 40\n", "line forty\n")
    return preview(
        of(
            unit_plan(
                "manifests.shop",
                change(
                    "ConfigMap shop/nginx",
                    action=Action.UPDATE,
                    fields=(field_change('data["nginx.conf"]', before=before, after=after),),
                ),
                change("ConfigMap shop/new", fields=(field_change("data.TEXT", after=before),)),
            )
        )
    )


def _drift() -> Preview:
    touch = Touch(by="kubectl-edit")
    taken_back = change(
        "Deployment shop/web",
        action=Action.UPDATE,
        fields=(field_change("spec.replicas", before=9, after=3, touch=touch),),
    )
    outside = resource("aws_vpc.main", Action.UPDATE, field_change("tags.a", before="1", after="2"))
    gone = resource("aws_eip.nat", Action.DELETE)
    return preview(
        of(
            unit_plan("modules.network", drift=(outside, gone)),
            unit_plan("manifests.shop", taken_back),
        )
    )


def _reported_drift() -> Preview:
    drifted = change(
        "Deployment shop/web",
        action=Action.UPDATE,
        fields=(field_change("spec.replicas", before=3, after=9),),
    )
    left = Left(name="Deployment shop/cart", fields=("spec.replicas",), to="hpa-controller")
    return preview(of(unit_plan("manifests.shop", drift=(drifted,), left=(left,))))


def _unsettled() -> Preview:
    undone = "failed at 3f2c1a9d4e, 2026-03-14 09:26 UTC"
    return preview(of(unit_plan("manifests.shop", unsettled=undone)))


def _several_stacks() -> Preview:
    return preview(
        of(unit_plan("manifests.shop", _image()), environment="staging"),
        of(unit_plan("modules.database", _database(Risk.RECREATED))),
        of(unit_plan(), stack="blog", environment="default"),
        failing(TerraformError("modules.network: plan failed"), environment="canary"),
    )


def _invalid() -> Preview:
    text = "    imputs: {cidr: 10.20.0.0/16}"
    place = Place(file="stacks/shop/stack.yaml", line=12, column=5, text=text)
    first = Mistake(
        message="unknown key 'imputs' in modules.network",
        place=place,
        hint="did you mean 'inputs'?",
    )
    return preview(failing(InvalidStack((first, Mistake(message="no manifests in platform/")))))


def _terraform_failed() -> Preview:
    detail = "Error: Invalid index\n\n  on main.tf line 3, in resource:\n   3:   id = var.ids[9]"
    error = TerraformError(
        "modules.network: plan failed: Invalid index (main.tf:3)", detail=detail, hint="see above"
    )
    return preview(failing(error))


def _unreachable() -> Preview:
    error = ClusterUnreachable(
        "the API server of context prod-eu does not answer: connection refused",
        hint="check the network, and the server's address in your kubeconfig",
    )
    return preview(failing(error), failing(error, environment="staging"))


def _conflict() -> Preview:
    error = RepositoryError(
        "the request conflicts with its base in stacks/shop/stack.yaml",
        hint="merge the base into the request, or rebase it",
    )
    return preview(error=error)


def _chosen_by_what_changed() -> Preview:
    considered = (
        Considered(unit=UnitId("modules.network"), taken=True, reason="modules/network changed"),
        Considered(unit=UnitId("manifests.shop"), taken=False, reason="nothing of it changed"),
    )
    since = Since(revision=REVISION, considered=considered)
    network = unit_plan("modules.network", resource("aws_vpc.main", Action.CREATE))
    made = plan(network, since=since, notes=("the ledger is empty",))
    reasons = ("modules/network/main.tf is read by modules.network",)
    return preview(StackPreview(stack="shop", environment="production", plan=made, reasons=reasons))


def _everything_goes() -> Preview:
    gone = unit_plan("manifests.shop", change("ConfigMap shop/web", action=Action.DELETE))
    return preview(
        StackPreview(stack="shop", environment="production", plan=plan(gone, destroy=True))
    )


def _only_outputs() -> Preview:
    output = change(
        "url",
        subject=Subject.OUTPUT,
        action=Action.UPDATE,
        fields=(field_change("", before="http://a", after="https://a"),),
    )
    return preview(of(unit_plan("modules.web", output)))


def _moved() -> Preview:
    moved = change("Service shop/web", action=Action.MOVE, previous="manifests.old")
    module = resource("module.b.aws_vpc.main", Action.MOVE, previous="module.a.aws_vpc.main")
    return preview(of(unit_plan("modules.network", module), unit_plan("manifests.shop", moved)))


def _huge() -> Preview:
    created = unit_plan("manifests.parts", *(_config(number) for number in range(400)))
    replaced = unit_plan("modules.database", _database())
    updated = (
        change(
            f"Deployment shop/web-{number}",
            action=Action.UPDATE,
            fields=(field_change("spec.replicas", before=1, after=number),),
        )
        for number in range(200)
    )
    return preview(of(replaced, created, unit_plan("manifests.shop", *updated)))


def _many_stacks() -> Preview:
    quiet = (of(unit_plan(), stack=f"quiet-{number}") for number in range(60))
    loud = (of(unit_plan("manifests.web", _image()), stack=f"web-{number}") for number in range(40))
    return preview(*quiet, *loud)


def _long_error() -> Preview:
    detail = "\n".join(f"log line {number}" for number in range(900))
    return preview(
        failing(TerraformError("modules.network: apply failed: quota", detail=detail)),
        of(unit_plan("manifests.shop", _image()), environment="staging"),
    )


def _hostile() -> Preview:
    nasty = "a``` </details> @everyone <!-- x --> \u202egnp.exe\u200b [x](y) /close"
    hit = change(
        f"ConfigMap {nasty}",
        action=Action.UPDATE,
        fields=(field_change(nasty, before="```\n</details>\n@ada", after=nasty * 40),),
        reason=nasty,
    )
    made = of(unit_plan("manifests.shop", hit, warnings=(nasty, "```", "~~~")))
    error = TerraformError(f"{nasty}\n```\n</details>", detail=f"```\n{nasty}", hint=nasty)
    return preview(
        StackPreview(
            stack="shop",
            environment="production",
            plan=made.plan,
            refusals=(PlanRefused(nasty, hint=nasty),),
            reasons=(nasty,),
        ),
        failing(error, environment="staging"),
    )


def _megabytes_in_a_line() -> Preview:
    long = "x" * 2_000_000
    hit = change(f"ConfigMap shop/{long}", fields=(field_change(f"data.{long}", after=long),))
    return preview(
        of(unit_plan("manifests.shop", hit)), failing(TerraformError(long), environment="staging")
    )


def _going_back() -> Preview:
    lasting = (
        Unrestored(
            unit=UnitId("modules.database"), name="aws_db_instance.shop", why=Lasting.EMPTIED
        ),
        Unrestored(unit=UnitId("manifests.shop"), name="Job shop/migrate-2", why=Lasting.RAN),
    )
    back = Restored(
        revision=REVISION,
        entry="8c1e05f25f0a",
        at=datetime(2026, 3, 14, 9, 26, tzinfo=UTC),
        by="Ada Lovelace <ada@example.org>",
        over=Revision(commit="a" * 40, subject="Sell shoes"),
        unrestored=lasting,
    )
    made = plan(unit_plan("manifests.shop", _image("web:2", "web:1")), restores=back)
    return preview(StackPreview(stack="shop", environment="production", plan=made))


SAMPLES: dict[str, Callable[[], Preview]] = {
    "a small change": _small,
    "a change without effect": _without_effect,
    "no stack is touched": _no_stack,
    "every kind of change": _everything,
    "data is lost": _data_loss,
    "more is lost than is spelled out": _losing_many,
    "a guard refuses": _refused,
    "values that are not known yet": _pending,
    "secrets": _secrets,
    "long values": _long_values,
    "what others changed": _drift,
    "drift that is only told": _reported_drift,
    "the last run left something undone": _unsettled,
    "several stacks": _several_stacks,
    "mistakes in a stack file": _invalid,
    "Terraform failed": _terraform_failed,
    "a cluster does not answer": _unreachable,
    "a conflict": _conflict,
    "chosen by what changed": _chosen_by_what_changed,
    "everything goes": _everything_goes,
    "only outputs": _only_outputs,
    "things that moved": _moved,
    "a rollback": _going_back,
    "a huge plan": _huge,
    "many stacks": _many_stacks,
    "a long error": _long_error,
    "hostile names and values": _hostile,
    "megabytes in a line": _megabytes_in_a_line,
    **MORE,
}

"""Going back: which run a revision takes a stack back to, and what no revert brings back."""

import pytest

from orchestrator.plans.change import Action, Change, Risk, Subject
from orchestrator.plans.digest import digest
from orchestrator.plans.plan import Lasting, Plan, Restored, Revision, Unrestored
from orchestrator.plans.restoring import Ended, GoingBack, Undone, going_back, unrestored
from orchestrator.plans.risk import assessed
from orchestrator.reports.json import plan_json
from orchestrator.reports.text import render_plan
from orchestrator.stack.model import UnitId
from tests.ledger.builders import NOON
from tests.plans.builders import change, field_change, plan, unit_plan


def good(content: str) -> Ended:
    """Return a run that brought all of a stack to some content."""
    return Ended(content=content, applied=True)


def bad(content: str) -> Ended:
    """Return a run that did not."""
    return Ended(content=content)


@pytest.mark.parametrize(
    ("content", "runs", "found"),
    [
        ("new", [], None),
        ("new", [good("a")], None),
        ("a", [good("a")], None),
        ("a", [good("a"), good("b"), good("a")], None),
        ("a", [good("b"), good("a")], GoingBack(to=1, over=0)),
        ("a", [bad("b"), good("a")], GoingBack(to=1, over=0)),
        ("a", [good("c"), good("b"), good("a")], GoingBack(to=2, over=0)),
        ("b", [good("a"), good("b"), good("a")], GoingBack(to=1, over=0)),  # a revert of a revert
        ("a", [bad("a"), bad("b"), good("a")], GoingBack(to=2, over=1)),  # tried once already
        ("a", [bad("a"), good("a")], None),
        ("a", [good("b"), good("a"), good("a"), good("c"), good("a")], GoingBack(to=2, over=0)),
        ("a", [good("b"), bad("a")], None),  # nobody ever saw it work
        ("a", [good("b"), Ended(content="a", destroyed=True), good("a")], None),
        ("a", [good(""), good("a")], GoingBack(to=1, over=0)),  # over what is in no commit
    ],
)
def test_a_revision_goes_back_to_the_last_run_of_its_content(
    content: str, runs: list[Ended], found: GoingBack | None
) -> None:
    """Over whatever came between; what was applied last, or never, or before a destruction, is no way back."""
    assert going_back(content, runs) == found


def made(type_: str, action: Action = Action.CREATE, name: str = "main", **given: object) -> Change:
    """Return a change of a resource."""
    told = {"subject": Subject.RESOURCE, "action": action, "type": type_, **given}
    return change(f"{type_}.{name}", **told)


def left(*changes: Change, undone: tuple[Undone, ...] = ()) -> list[tuple[str, Lasting]]:
    """Return what a plan of these changes does not bring back."""
    going = plan(assessed(unit_plan("modules.base", *changes), {}))
    return [(one.name, one.why) for one in unrestored(going, undone, {})]


def test_what_is_deleted_or_made_anew_is_named_by_what_it_costs() -> None:
    """Data goes with what is deleted or replaced, and what is created again is empty or somewhere else."""
    assert left(
        made("aws_db_instance", Action.DELETE),
        made("aws_s3_bucket", Action.REPLACE),
        made("aws_ebs_volume"),
        made("aws_instance"),
        made("aws_eip", Action.REPLACE),
        made("aws_instance", Action.DELETE, name="gone"),
        made("terraform_data"),
        made("aws_db_instance", Action.UPDATE, name="grown"),
    ) == [
        ("aws_db_instance.main", Lasting.DATA),
        ("aws_s3_bucket.main", Lasting.DATA),
        ("aws_ebs_volume.main", Lasting.EMPTIED),
        ("aws_instance.main", Lasting.IDENTITY),
        ("aws_eip.main", Lasting.IDENTITY),
    ]


def test_an_object_is_known_by_its_name_unless_it_has_an_address() -> None:
    """A Deployment that is created again is the same to everybody, a Service gets another address."""
    assert left(
        change("Deployment shop/web"),
        change("Service shop/web"),
        change("PersistentVolumeClaim shop/files"),
        change("ConfigMap shop/texts"),
    ) == [
        ("Service shop/web", Lasting.IDENTITY),
        ("PersistentVolumeClaim shop/files", Lasting.EMPTIED),
    ]


def test_what_goes_one_way_is_named() -> None:
    """Jobs of what is undone stay done, jobs of the plan run again, stored versions are not converted back."""
    versions = field_change("spec.versions[name=v2].storage", before=True, after=False)
    schema = field_change("spec.versions[name=v1].schema.openAPIV3Schema.type")
    undone = (
        Undone(unit=UnitId("manifests.shop"), action=Action.CREATE, name="Job shop/migrate-2"),
        Undone(unit=UnitId("manifests.shop"), action=Action.UPDATE, name="Job shop/kept"),
        Undone(unit=UnitId("manifests.shop"), action=Action.DELETE, name="Job shop/gone"),
    )
    definition = {"action": Action.UPDATE, "fields": (versions,)}
    assert left(
        change("Job shop/migrate-1"),
        change("Job shop/migrate-2", action=Action.DELETE),
        change("CustomResourceDefinition widgets.example.com", **definition),
        change("CustomResourceDefinition a.example.com", action=Action.UPDATE, fields=(schema,)),
        undone=undone,
    ) == [
        ("Job shop/migrate-1", Lasting.RUNS_AGAIN),
        ("CustomResourceDefinition widgets.example.com", Lasting.STORED),
        ("Job shop/migrate-2", Lasting.RAN),
    ]


def test_what_was_replaced_meanwhile_starts_empty_whatever_the_plan_does_with_it() -> None:
    """Its old data went when it was replaced; it is named once."""
    base = UnitId("modules.base")
    undone = (
        Undone(unit=base, action=Action.REPLACE, name="aws_db_instance.a", type="aws_db_instance"),
        Undone(unit=base, action=Action.REPLACE, name="aws_db_instance.b", type="aws_db_instance"),
        Undone(unit=base, action=Action.REPLACE, name="aws_instance.c", type="aws_instance"),
    )
    assert left(made("aws_db_instance", Action.REPLACE, name="b"), undone=undone) == [
        ("aws_db_instance.b", Lasting.DATA),
        ("aws_db_instance.a", Lasting.EMPTIED),
    ]


def test_what_was_moved_is_not_moved_back_by_itself() -> None:
    """Terraform knows the way that a `moved` block tells, and none back: there it goes, and here it is made anew."""
    base = UnitId("modules.base")
    moved = Undone(unit=base, action=Action.MOVE, name="aws_instance.new", type="aws_instance")
    gone = made("aws_instance", Action.DELETE, name="new")
    assert left(gone, made("aws_instance", name="old"), undone=(moved,)) == [
        ("aws_instance.new", Lasting.MOVED),
        ("aws_instance.old", Lasting.IDENTITY),
    ]


def test_what_was_forgotten_is_made_once_more() -> None:
    """A `removed` block let it go and left it there: what is made now is another one, unless it is imported."""
    base = UnitId("modules.base")
    undone = (
        Undone(unit=base, action=Action.FORGET, name="aws_eip.a", type="aws_eip"),
        Undone(unit=base, action=Action.FORGET, name="aws_db_instance.b", type="aws_db_instance"),
        Undone(unit=base, action=Action.FORGET, name="aws_eip.imported", type="aws_eip"),
        Undone(unit=base, action=Action.FORGET, name="ConfigMap shop/gone"),
    )
    assert left(
        made("aws_eip", name="a"),
        made("aws_db_instance", name="b"),
        made("aws_eip", Action.IMPORT, name="imported"),
        change("ConfigMap shop/gone"),
        undone=undone,
    ) == [("aws_eip.a", Lasting.FORGOTTEN), ("aws_db_instance.b", Lasting.FORGOTTEN)]


def test_a_stack_says_what_is_lost_of_its_own_types() -> None:
    """What `risks` says of a type decides here as everywhere."""
    going = plan(unit_plan("modules.base", made("terraform_data")))
    (one,) = unrestored(going, (), {"terraform_data": Risk.DATA_LOSS})
    assert one.why is Lasting.EMPTIED


def restoring() -> Plan:
    """Return a plan that goes back, with one thing of each kind that does not come back."""
    lasting = tuple(
        Unrestored(unit=UnitId("modules.base"), name=f"thing.{why.value}", why=why)
        for why in Lasting
    )
    back = Restored(
        revision=Revision(commit="3f2c1a9" * 5, subject="Scale the shop"),
        entry="528c0bee58",
        at=NOON,
        by="Ada Lovelace <ada@example.org>",
        over=Revision(commit="b1a2c3d" * 5, subject="Grow the database"),
        unrestored=lasting,
    )
    return plan(unit_plan("modules.base", made("terraform_data")), restores=back)


def test_a_plan_says_first_what_it_restores_and_what_it_does_not() -> None:
    """By the words that people ask with: to which revision, applied when and by whom, over what."""
    told = render_plan(restoring()).splitlines()

    assert told[1:16] == [
        "Restores shop/production to 3f2c1a93f2, applied 2025-03-14 12:00 UTC by Ada",
        "Lovelace",
        "  undoes b1a2c3db1a (Grow the database)",
        "  ! a revert does not bring back:",
        "    modules.base/thing.data: what is in it goes with this plan",
        "    modules.base/thing.moved: was moved there by what is undone; `moved` back",
        "      keeps it",
        "    modules.base/thing.forgotten: made once more: the forgotten one is still",
        "      there, and nobody's; `import` takes it back",
        "    modules.base/thing.emptied: what was in it is gone, and it starts empty",
        "    modules.base/thing.stored: what was stored in another version stays so",
        "    modules.base/thing.ran: ran for what is undone, and that stays done",
        "    modules.base/thing.runs-again: runs again, on what others left",
        "    modules.base/thing.identity: made anew, with other ids and addresses",
        "",
    ]
    assert max(map(len, told)) <= 80
    document = plan_json(restoring())["restores"]
    assert isinstance(document, dict)
    assert document["entry"] == "528c0bee58"
    assert {"unit": "modules.base", "name": "thing.ran", "why": "ran"} in document["unrestored"]  # type: ignore[operator]


def test_what_a_plan_restores_is_no_part_of_its_digest() -> None:
    """An approval is bound to what is done, however Git got there."""
    ahead = plan(unit_plan("modules.base", made("terraform_data")))
    assert digest(restoring()) == digest(ahead)

"""Which run last changed a unit, an object or a resource."""

from dataclasses import replace

import pytest

from orchestrator.engine.history.blaming import traces_of
from orchestrator.engine.history.subjects import Subject, find_subject, subjects_of
from orchestrator.errors import UsageError
from orchestrator.ledger.entry import LedgerState
from orchestrator.plans.change import Action
from orchestrator.plans.events import Outcome
from orchestrator.stack.model import UnitId
from tests.engine.history.past import SECOND, Past, planned
from tests.ledger.builders import owned, record

_SHOP, _BASE = UnitId("manifests.shop"), UnitId("modules.base")
_WEB = Subject(unit=_SHOP, name="Deployment shop/web")


def _told(past: Past, subject: Subject) -> list[tuple[str, bool]]:
    traces = traces_of(past.told(), subject, all_runs=True)
    return [(trace.run.last.entry, trace.certain) for trace in traces]


def test_a_unit_is_changed_by_a_run_that_changed_something_of_it() -> None:
    """One that found it as it is did not; one that failed may have, and is told as such."""
    past = Past()
    first = past.applied({_SHOP: Outcome.APPLIED})
    past.applied({_SHOP: Outcome.UNCHANGED}, revision=SECOND)
    failed = past.applied({_SHOP: Outcome.FAILED}, revision=SECOND)

    assert _told(past, Subject(unit=_SHOP, name=_SHOP)) == [(failed.id, False), (first.id, True)]


def test_an_object_is_changed_by_a_run_that_planned_to() -> None:
    """Another object of the same unit is none of its business; a run that did not reach it changed nothing."""
    past = Past()
    first = past.applied({_SHOP: Outcome.APPLIED}, plan=[planned(_SHOP, "Deployment shop/web")])
    past.applied({_SHOP: Outcome.APPLIED}, plan=[planned(_SHOP, "Service shop/web")])
    past.applied(
        {_SHOP: Outcome.SKIPPED},
        plan=[planned(_SHOP, "Deployment shop/web", action=Action.UPDATE)],
    )

    assert _told(past, _WEB) == [(first.id, True)]


def test_a_killed_run_may_have_changed_what_it_planned_to() -> None:
    """Nobody knows: it is told, and what is certain is told too."""
    past = Past()
    first = past.applied({_SHOP: Outcome.APPLIED}, plan=[planned(_SHOP, "Deployment shop/web")])
    killed = past.began(_SHOP, plan=[planned(_SHOP, "Deployment shop/web", action=Action.UPDATE)])

    assert _told(past, _WEB) == [(killed.id, False), (first.id, True)]


def test_the_inventory_tells_where_a_plan_cannot() -> None:
    """A unit that was planned in its turn: the run that brought another content changed the object."""
    later, web = [planned(_SHOP, deferred="waits for modules.base")], owned("web", uid="u")
    past = Past()
    past.applied({_SHOP: Outcome.APPLIED}, plan=later, inventory=[replace(web, fingerprint="a")])
    second = past.applied(
        {_SHOP: Outcome.APPLIED}, plan=later, inventory=[replace(web, fingerprint="b")]
    )
    past.applied({_SHOP: Outcome.APPLIED}, plan=later, inventory=[replace(web, fingerprint="b")])

    assert _told(past, _WEB)[0] == (second.id, True)


def test_a_repair_of_the_ledger_changes_no_object() -> None:
    """Though less is known of it from there on; what only a repair tells of was there by then."""
    web = owned("web", uid="u")
    past = Past()
    first = past.applied({_SHOP: Outcome.APPLIED}, inventory=[replace(web, fingerprint="a")])
    found = record(_SHOP, Outcome.INTERRUPTED)
    past.repaired(found, inventory=[replace(web, fingerprint=".")])
    assert _told(past, _WEB) == [(first.id, True)]
    other = Subject(unit=_SHOP, name="Deployment shop/other")
    repair = past.repaired(found, inventory=[owned("other", uid="o")])
    assert _told(past, other) == [(repair.id, True)]


def test_names_as_people_write_them() -> None:
    """In full, for short, and a resource with its module where two modules have one of that name."""
    past = Past()
    past.applied(
        {_BASE: Outcome.APPLIED, "modules.edge": Outcome.APPLIED, _SHOP: Outcome.APPLIED},
        plan=[planned(_BASE, "aws_vpc.main"), planned("modules.edge", "aws_vpc.main", "aws_eip.x")],
    )
    known = subjects_of(LedgerState(inventory=(owned("web"), owned("api"))), past.told())

    for name in ("Deployment shop/web", "deployment/web", "deployment/shop/web"):
        assert find_subject(name, known) == _WEB, name
    for name in ("modules.base", "base"):
        assert find_subject(name, known) == Subject(unit=_BASE, name=_BASE), name
    edge = UnitId("modules.edge")
    assert find_subject("aws_eip.x", known) == Subject(unit=edge, name="aws_eip.x")
    assert find_subject("modules.edge/aws_vpc.main", known) == Subject(
        unit=edge, name="aws_vpc.main"
    )
    assert find_subject("deployment/nobody", known) is None
    with pytest.raises(UsageError, match=r"2 things are called 'aws_vpc\.main'"):
        find_subject("aws_vpc.main", known)

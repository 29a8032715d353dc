"""How a request that was refreshed is told in a line."""

from orchestrator.cli.refreshing import told
from orchestrator.plans.preview import Afterwards, Became, Found, Refreshed
from orchestrator.reports.preview.standing import EVERYTHING


def test_a_stack_that_could_not_be_read_keeps_its_name() -> None:
    """Its environments are told by a star, and a star alone is all of a request."""
    stale = {EVERYTHING: "it conflicts", "shop/*": "main moved on"}

    line = told(Refreshed(number=7, found=Found.STALE, stale=stale))

    assert line == "request 7 is stale: all of it (it conflicts), shop/* (main moved on)"


def test_what_became_of_a_request_is_told_in_words() -> None:
    """Also that nothing did, and that an apply is under way."""
    afterwards = tuple(Afterwards(name=f"shop/{each}", became=each) for each in Became)

    line = told(Refreshed(number=7, found=Found.MERGED, afterwards=afterwards))

    assert line == (
        "request 7 is merged: shop/applied applied, shop/failed failed, shop/begun being applied,"
        " shop/nothing not applied"
    )

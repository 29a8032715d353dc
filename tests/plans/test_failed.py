"""A revision that failed is not applied again by itself."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestrator.errors import PlanRefused
from orchestrator.plans.failed import check_not_bad
from orchestrator.plans.objects import Owner
from orchestrator.plans.remembered import BadRevision
from tests.plans.builders import REVISION

_OWNER = Owner(stack="shop", environment="production")


_BAD = BadRevision(
    revision=REVISION,
    at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
    by="Ada Lovelace <ada@example.org>",
    why="Deployment shop/web failed: ImagePullBackOff\nmore of it",
    entry="2c1e05f25f0a4a52",
)


def test_a_revision_that_failed_is_refused() -> None:
    """It says when, who and why, in a line each, and the three ways on."""
    with pytest.raises(PlanRefused) as refused:
        check_not_bad(_BAD, retry=False, owner=_OWNER)

    assert refused.value.message == (
        "3f2c1a9d4e failed when Ada Lovelace applied it at 2026-11-20 09:30:00 UTC:"
        " Deployment shop/web failed: ImagePullBackOff; it is not applied again unless you say so"
    )
    assert "with a new commit" in refused.value.hint
    assert "orchestrator rollback shop --env production --last-healthy" in refused.value.hint
    assert "--retry" in refused.value.hint


def test_it_says_how_often() -> None:
    """Somebody who tries for the third time should know."""
    with pytest.raises(PlanRefused) as refused:
        check_not_bad(replace(_BAD, attempts=2), retry=False, owner=_OWNER)

    assert "UTC, 2 times by now:" in refused.value.message


def test_what_is_told_to_be_tried_again_passes() -> None:
    """And so does a revision that never failed."""
    check_not_bad(_BAD, retry=True, owner=_OWNER)
    check_not_bad(None, retry=False, owner=_OWNER)

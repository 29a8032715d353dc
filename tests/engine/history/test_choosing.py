"""Which ledger is meant: Git tells where it can, ledgers tell where Git cannot."""

from collections.abc import Collection

import pytest

from orchestrator.engine.history.choosing import choose_ledger
from orchestrator.errors import UsageError
from orchestrator.plans.objects import Owner

_BOTH = {"shop": ("staging", "production"), "blog": ("default",)}


def _owners(*names: str) -> tuple[Owner, ...]:
    pairs = (name.split("/") for name in names)
    return tuple(Owner(stack=stack, environment=environment) for stack, environment in pairs)


def _nobody_asks() -> Collection[Owner]:
    raise AssertionError("asking costs a round trip")


@pytest.mark.parametrize(
    ("stack", "environment", "chosen"),
    [
        ("shop", "staging", "shop/staging"),
        ("blog", None, "blog/default"),
        ("blog", "default", "blog/default"),
    ],
)
def test_what_git_declares_is_not_asked_for(
    stack: str, environment: str | None, chosen: str
) -> None:
    """A stack and environment that Git tells cost no look at the ledgers."""
    assert str(choose_ledger(stack, environment, _BOTH, _nobody_asks)) == chosen


@pytest.mark.parametrize(
    ("stack", "environment", "chosen"),
    [
        ("shop", "default", "shop/default"),  # it gained environments
        ("old", None, "old/default"),  # it was deleted
        ("old", "default", "old/default"),
        ("torn", None, "torn/production"),  # its file cannot be read
    ],
)
def test_a_ledger_is_enough(stack: str, environment: str | None, chosen: str) -> None:
    """What Git has lost, or cannot tell, is found by its ledger."""
    ledgers = _owners("shop/default", "old/default", "torn/production")
    declared = {**_BOTH, "torn": None}
    assert str(choose_ledger(stack, environment, declared, lambda: ledgers)) == chosen


def test_the_only_one_needs_no_name() -> None:
    """The only stack of Git; without any, the only one that has a ledger."""
    assert str(choose_ledger(None, None, {"blog": ("default",)}, _nobody_asks)) == "blog/default"
    assert str(choose_ledger(None, None, {}, lambda: _owners("old/default"))) == "old/default"


@pytest.mark.parametrize(
    ("stack", "environment", "message", "hint"),
    [
        (None, None, "there are 2 stacks here: blog, shop", "name the one that is meant"),
        ("shop", None, "stack 'shop' has 2 environments", "such as --env staging"),
        ("old", None, "stack 'old' has 2 environments: blue, green", "such as --env blue"),
        ("shop", "prodution", "no environment 'prodution'", "did you mean 'production'?"),
        ("shoop", None, "there is no stack 'shoop'", "did you mean 'shop'?"),
    ],
)
def test_what_is_not_plain_is_asked_back(
    stack: str | None, environment: str | None, message: str, hint: str
) -> None:
    """The message says what there is, from Git and from the ledgers."""
    ledgers = _owners("old/blue", "old/green")
    with pytest.raises(UsageError) as refused:
        choose_ledger(stack, environment, _BOTH, lambda: ledgers)
    assert message in refused.value.message
    assert hint in refused.value.hint

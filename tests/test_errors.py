"""What errors say of themselves, for those who put them among other words."""

from orchestrator.errors import (
    AccessDenied,
    ClusterError,
    InvalidStack,
    Mistake,
    Place,
    PlanRefused,
    RepositoryError,
    together,
)

_PLACED = Mistake(
    message="unknown key 'imput'", place=Place(file="stack.yaml", line=4, column=7), hint="an aside"
)
_NOWHERE = Mistake(message="the namespace of manifests.shop is not a text")


def test_a_mistake_of_which_nobody_knows_the_place_names_none() -> None:
    """Such as one of a namespace that comes from a variable: it stands nowhere, and not at ``None``."""
    assert str(_PLACED) == "stack.yaml:4:7: unknown key 'imput'"
    assert str(_NOWHERE) == "the namespace of manifests.shop is not a text"


def test_mistakes_are_told_in_a_line_and_not_counted() -> None:
    """Among other words their number says nothing."""
    assert InvalidStack((_PLACED, _NOWHERE)).in_a_line == f"{_PLACED}; {_NOWHERE}"
    assert RepositoryError("no such revision", hint="fetch it").in_a_line == "no such revision"


def test_what_is_refused_for_several_reasons_has_the_way_out_of_each() -> None:
    """The first stands at the top, each of the others below it with its own hint."""
    window = PlanRefused("it is frozen", hint="wait", detail="until Monday")
    found = together([window, PlanRefused("too much goes", hint="say so")])
    assert isinstance(found, PlanRefused)
    assert (found.message, found.hint) == ("it is frozen, and 1 more refusal", "")
    assert found.detail.splitlines() == [
        "until Monday",
        "hint: wait",
        "too much goes",
        "  hint: say so",
    ]
    assert together([window]) is window


def test_several_refusals_with_one_way_out_tell_it_once() -> None:
    """Such as credentials that may nothing at all."""
    denied = [AccessDenied(f"may not list {kind}", hint="log in") for kind in ("a", "b", "c")]
    found = together(denied)
    assert (type(found), found.message) == (AccessDenied, "may not list a, and 2 more refusals")
    assert (found.hint, found.detail) == ("log in", "may not list b\nmay not list c")


def test_an_error_that_is_made_of_more_is_told_as_its_plainer_kind() -> None:
    """What it knows besides is of one thing alone."""

    class Conflicting(ClusterError):
        def __init__(self, owner: str) -> None:
            super().__init__(f"{owner} has it")

    found = together([Conflicting("Helm"), Conflicting("Flux")])
    assert (type(found), found.message) == (ClusterError, "Helm has it, and 1 more refusal")

"""What errors say of themselves, for those who put them among other words."""

from orchestrator.errors import InvalidStack, Mistake, Place, RepositoryError

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

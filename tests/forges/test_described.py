"""What holds exchanges with forges against the forges' own descriptions notices what is wrong with them."""

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.forges.place import Kind
from tests.forges.described import Exchange, problems

_STATUS = Exchange(
    method="POST",
    path=f"/projects/acme%2Fshop/statuses/{'a' * 40}",
    query={},
    body={"state": "success", "name": "orchestrator"},
    status=201,
    answer={"id": 1, "status": "success", "name": "orchestrator"},
)
_LIST = Exchange(
    method="GET",
    path="/repos/acme/shop/issues/7/comments",
    query={"per_page": ["100"]},
    body=None,
    status=200,
    answer=[],
)


def test_what_is_described_is_no_problem() -> None:
    """Neither a status on GitLab, nor a list of comments on GitHub."""
    assert problems(Kind.GITLAB, _STATUS) == []
    assert problems(Kind.GITHUB, _LIST) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"path": "/projects/acme%2Fshop/state"}, "there is no such thing"),
        ({"method": "PUT"}, "there is no such thing"),
        ({"query": {"page": ["2"]}}, "it takes no page"),
        ({"body": {"state": "failure"}}, "'failure' is not one of"),
        ({"body": {"name": "orchestrator"}}, "'state' is a required property"),
        ({"body": {"state": "success", "contexts": "x"}}, "'contexts' was unexpected"),
        ({"status": 202}, "it never answers 202"),
        ({"answer": {"id": "1"}}, "'1' is not of type 'integer'"),
        ({"answer": {"id": 1, "state": "success"}}, "'state' was unexpected"),
    ],
)
def test_what_is_not_described_is_one(changed: dict[str, Any], said: str) -> None:
    """A path, a parameter, a field or a value that the forge does not know, in a request or an answer."""
    (problem,) = problems(Kind.GITLAB, replace(_STATUS, **changed))

    assert said in problem


def test_a_parameter_has_a_type() -> None:
    """What stands in a query is text, and is compared as what it stands for."""
    (problem,) = problems(Kind.GITHUB, replace(_LIST, query={"per_page": ["many"]}))

    assert "per_page: 'many' is not of type 'integer'" in problem

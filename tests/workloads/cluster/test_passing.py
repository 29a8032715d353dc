"""Which refusals pass by themselves."""

import pytest

from orchestrator.workloads.cluster.passing import may_pass, webhook_in

UNASKED = (
    'Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: '
    'Post "https://a.shop.svc:443/?timeout=10s": dial tcp 10.0.0.1:443: connect: connection refused'
)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(status: int) -> None:
    """Whatever such a server, or a gateway before it, says: it may answer in a moment."""
    assert may_pass(status, None)
    assert may_pass(status, {"message": "later"})


@pytest.mark.parametrize(
    "message",
    [UNASKED, "etcdserver: request timed out", "rpc error: code = Unavailable desc = no leader"],
)
def test_what_stands_behind_the_server_may_come_back(message: str) -> None:
    """A store without leader and a webhook that nobody serves are asked again."""
    assert may_pass(500, {"message": message})
    assert not may_pass(422, {"message": message})


@pytest.mark.parametrize(
    "body", [None, "<html>", {"message": "out of order"}, {"message": 3}, {}, ["etcdserver: "]]
)
def test_other_faults_of_a_server_stay(body: object) -> None:
    """A server that is simply wrong is not asked twice."""
    assert not may_pass(500, body)  # type: ignore[arg-type]


def test_a_webhook_that_refuses_has_answered() -> None:
    """A webhook that cannot be asked is told apart from one that says no."""
    found = webhook_in(UNASKED)
    assert found is not None
    assert found.name == "a.example.com"
    assert found.problem.endswith("connection refused")
    denied = 'admission webhook "a.example.com" denied the request: not on a Sunday'
    assert webhook_in(denied) is None
    assert not may_pass(500, {"message": denied})

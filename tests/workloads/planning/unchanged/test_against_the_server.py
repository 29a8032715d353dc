import json
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from orchestrator.workloads.cluster.requests import Accepted, Reply, Submission
from orchestrator.workloads.planning.unchanged.settled import settled
from tests.workloads.ground import Ground
from tests.workloads.planning.unchanged.changes import Manifest, changed
from tests.workloads.planning.unchanged.custom import definitions, makers
from tests.workloads.planning.unchanged.manifests import BUILT_IN
from tests.workloads.planning.unchanged.world import Case, World

pytestmark = pytest.mark.integration

_SEED = 4
_OBJECTS = 640
_ROUNDS = 9
_PAIRS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """One pair: what was decided here, and whether the server's own dry run says the same."""

    case: Case
    wanted: Manifest
    live: Mapping[str, Any]
    reply: Reply
    decided: bool

    @property
    def untouched(self) -> bool:
        """Whether the server would store what is there, who owns what included."""
        return isinstance(self.reply, Accepted) and _kept(self.reply.live) == _kept(self.live)


@pytest.fixture
def world(ground: Ground) -> World:
    """Return a world in which two custom kinds are served."""
    group = f"{ground.namespace}.example.com"
    for definition in definitions(group):
        ground.others.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
    kinds = {(group, "Widget"), (group, "Loose")}
    ground.cluster.await_kinds(kinds, timeout=30, stop=ground.stop)
    return World(cluster=ground.cluster, namespace=ground.namespace, seed=_SEED)


@pytest.mark.timeout(300)
def test_nothing_is_called_unchanged_that_the_server_would_change(world: World) -> None:
    """Whatever is told here to be unchanged, the server's dry run leaves as it is, in every field of its records.

    And of what people usually have, at least 19 of 20 objects that are unchanged need no dry run.
    """
    group = f"{world.namespace}.example.com"
    cases = world.cases((*BUILT_IN, *makers(group) * 3), _OBJECTS)
    answers: list[_Answer] = []
    for number in range(_ROUNDS):
        answers += _round(world, cases, number)
    wrong = [answer for answer in answers if answer.decided and not answer.untouched]
    assert not wrong, _told(wrong[0], len(wrong))
    assert len(answers) >= _PAIRS
    assert _share(answers) >= 0.95


def _round(world: World, cases: list[Case], number: int) -> list[_Answer]:
    """Decide about one more manifest for each object; what a controller touched meanwhile does not count."""
    before = world.observed(cases)
    wanted = {
        case.ref: _wanted(case, number, before[case.ref]) for case in cases if case.ref in before
    }
    submissions = [
        Submission(ref=ref, manifest=manifest, force=number % 2 == 0)
        for ref, manifest in wanted.items()
    ]
    decided = settled(world.cluster, submissions, before, kinds=world.cluster.kinds())
    replies = world.cluster.apply_many(submissions, dry_run=True)
    answers = [
        _Answer(
            case=case,
            wanted=wanted[case.ref],
            live=before[case.ref],
            reply=reply,
            decided=case.ref in decided,
        )
        for case, reply in zip((case for case in cases if case.ref in before), replies, strict=True)
    ]
    suspects = [answer.case for answer in answers if answer.decided and not answer.untouched]
    now = world.observed(suspects)
    return [
        answer
        for answer in answers
        if answer.case not in suspects or _text(now.get(answer.case.ref)) == _text(answer.live)
    ]


def _wanted(case: Case, number: int, live: Mapping[str, Any]) -> Manifest:
    match number:
        case 0:
            return case.last
        case 1:
            return case.first
        case _:
            rng = Random(f"{_SEED}-{case.ref.name}-{number}")
            return changed(case.last, dict(live), rng)


def _share(answers: list[_Answer]) -> float:
    """Return how many of the ordinary built-in objects that are unchanged were decided without the server."""
    usual = [
        answer.decided
        for answer in answers
        if answer.case.ordinary
        and answer.case.built_in
        and answer.wanted is answer.case.last
        and answer.untouched
    ]
    return sum(usual) / len(usual)


def _told(answer: _Answer, count: int) -> str:
    reply = answer.reply.live if isinstance(answer.reply, Accepted) else str(answer.reply)
    return "\n".join(
        [f"{count} wrong; the first:", _text(answer.wanted), _text(answer.live), _text(reply)]
    )


def _kept(live: Mapping[str, Any]) -> str:
    """Return all of an object, but for when each manager was heard of last, and their order, which is by time."""
    entries = [
        _text({key: item for key, item in entry.items() if key != "time"})
        for entry in live["metadata"].get("managedFields", ())
    ]
    return _text({**live, "metadata": {**live["metadata"], "managedFields": sorted(entries)}})


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from orchestrator.workloads.cluster.requests import Accepted, Reply, Submission
from orchestrator.workloads.planning.unchanged.settled import settled
from tests.workloads.ground import Ground
from tests.workloads.planning.unchanged.changes import (
    Manifest,
    changed,
    reordered,
    respelled,
)
from tests.workloads.planning.unchanged.custom import admission, definitions, makers
from tests.workloads.planning.unchanged.manifests import BUILT_IN
from tests.workloads.planning.unchanged.world import Case, World

pytestmark = pytest.mark.integration

_SEED = 4
_BATCHES = 4
_ROUNDS = 4
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """One pair: what was decided here, and whether the server's own dry run says the same.

    ``again`` says that it is just what was applied last.
    """

    case: Case
    wanted: Manifest
    live: Mapping[str, Any]
    reply: Reply
    decided: bool
    again: bool

    @property
    def untouched(self) -> bool:
        """Whether the server would store what is there, who owns what included."""
        return isinstance(self.reply, Accepted) and _kept(self.reply.live) == _kept(self.live)


@pytest.fixture
def world(ground: Ground) -> Iterator[World]:
    """Return a world in which two custom kinds are served; what it has beside its namespace is gone afterwards."""
    group = f"{ground.namespace}.example.com"
    for definition in definitions(group):
        ground.others.create(_DEFINITIONS, definition)
    kinds = {(group, "v1", "Widget"), (group, "v1", "Loose")}
    ground.cluster.await_kinds(kinds, timeout=30, stop=ground.stop)
    yield World(cluster=ground.cluster, namespace=ground.namespace, seed=_SEED)
    for path in admission(ground.namespace):
        ground.others.request("DELETE", f"{path}/{ground.namespace}")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("objects", "pairs"), [(110, 1_600), pytest.param(330, 5_000, marks=pytest.mark.soak)]
)
def test_nothing_is_called_unchanged_that_the_server_would_change(
    world: World, ground: Ground, objects: int, pairs: int
) -> None:
    """Whatever is told here to be unchanged, the server's dry run leaves as it is, in every field of its records.

    That is so when definitions come to merge otherwise and admission comes to mutate, too. And of what people
    usually have, at least 19 of 20 objects that are unchanged need no dry run.
    """
    group = f"{world.namespace}.example.com"
    cases = world.cases((*BUILT_IN, *makers(group) * 3), objects)
    answers: list[_Answer] = []
    for number in range(_BATCHES):
        if number == _BATCHES - 2:
            _define_anew(ground, group)
        if number == _BATCHES - 1:
            for path, body in admission(ground.namespace).items():
                ground.others.create(path, body)
        answers += _batch(world, cases, number)
        if not number:
            assert _share(answers) >= 0.95
    wrong = [answer for answer in answers if answer.decided and not answer.untouched]
    assert not wrong, _told(wrong[0], len(wrong))
    assert len(answers) >= pairs


def _define_anew(ground: Ground, group: str) -> None:
    """Have all lists and maps that are merged by their elements merged as a whole."""
    (widget, _) = definitions(group, whole=True)
    path = f"{_DEFINITIONS}/{widget['metadata']['name']}"
    ground.patch(path, {"spec": {"versions": widget["spec"]["versions"]}}, manager="other")


def _batch(world: World, cases: list[Case], batch: int) -> list[_Answer]:
    """Decide about some more manifests for each object; what a controller touched meanwhile does not count."""
    before, mutations = world.observed(cases), world.mutations()
    kinds = world.cluster.kinds()
    asked: list[tuple[Case, Submission, bool]] = []
    for number in range(batch * _ROUNDS, (batch + 1) * _ROUNDS):
        submissions = {
            case: Submission(
                ref=case.ref,
                manifest=_wanted(case, number, before[case.ref]),
                force=(number + batch) % 2 == 0,
            )
            for case in cases
            if case.ref in before
        }
        decided = settled(
            world.cluster, [*submissions.values()], before, kinds=kinds, mutations=mutations
        )
        asked += [(case, item, case.ref in decided) for case, item in submissions.items()]
    replies = world.cluster.apply_many([item for _, item, _ in asked], dry_run=True)
    answers = [
        _Answer(
            case=case,
            wanted=dict(item.manifest),
            live=before[case.ref],
            reply=reply,
            decided=decided,
            again=item.manifest is case.last,
        )
        for (case, item, decided), reply in zip(asked, replies, strict=True)
    ]
    suspects = {answer.case for answer in answers if answer.decided and not answer.untouched}
    now = world.observed([*suspects])
    return [
        answer
        for answer in answers
        if answer.case not in suspects or _text(now.get(answer.case.ref)) == _text(answer.live)
    ]


def _wanted(case: Case, number: int, live: Mapping[str, Any]) -> Manifest:
    match number:
        case number if number % _ROUNDS == 0:
            return case.last
        case 1:
            return case.first
        case 2:
            return respelled(case.last)
        case 3:
            return reordered(case.last)
        case _:
            rng = Random(f"{_SEED}-{case.ref.name}-{number}")
            return changed(case.last, dict(live), rng)


def _share(answers: list[_Answer]) -> float:
    """Return how many of the ordinary built-in objects that are unchanged were decided without the server."""
    usual = [
        answer.decided
        for answer in answers
        if answer.case.ordinary and answer.case.built_in and answer.again and answer.untouched
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

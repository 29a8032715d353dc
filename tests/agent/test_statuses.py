"""Statuses of commits: what they say of a stack, and that every forge gets them once."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from orchestrator.agent import events
from orchestrator.agent.configuration.model import Repository, Statuses
from orchestrator.agent.decisions.agenda import Key, Task
from orchestrator.agent.notifications.courier import Patience
from orchestrator.agent.statuses.setting import Setter
from orchestrator.agent.statuses.standing import Shown, standing
from orchestrator.agent.verdicts import End, Waits
from orchestrator.forges.forge import State
from tests.agent.happenings import FIRST, SECOND, SHOP, ended, failed, looked, waiting
from tests.end_to_end.commands import eventually
from tests.forges.served import REPOSITORY, TOKEN, Served, Trouble, serving
from tests.forges.small_forges import FORGES

STARTED = events.Started(key=SHOP, task=Task.RECONCILE, revision=FIRST)
APPLIED = ended(End.APPLIED)


@pytest.fixture(params=FORGES, ids=[each.kind for each in FORGES])
def forge(request: pytest.FixtureRequest) -> Iterator[Served]:
    """Return a forge of each kind."""
    held: Served = request.param()
    with serving(held):
        yield held


def _set(happened: Sequence[events.Event]) -> list[tuple[str, State, str]]:
    """Return what is set: the commit, the state and what is said."""
    shown, found = Shown(), []
    for event in happened:
        shown, each = standing(shown, event)
        found += [(each.commit, each.status.state, each.status.description)] if each else []
    return found


def test_a_commit_shows_how_its_stack_got_on() -> None:
    """It is pending while it is brought about, then as it ended; looks that find nothing new set nothing."""
    look = ended(End.UNCHANGED, task=Task.WORKLOADS)
    assert _set([looked(), STARTED, APPLIED, look, look]) == [
        (FIRST, State.PENDING, "being brought about"),
        (FIRST, State.SUCCESS, "applied"),
    ]
    assert _set([failed(), STARTED, failed(), STARTED, APPLIED]) == [
        (FIRST, State.FAILURE, "the web does not start"),
        (FIRST, State.SUCCESS, "applied"),
    ]


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (waiting(), State.PENDING),
        (waiting(Waits.COMMIT), State.FAILURE),
        (ended(End.SUSPENDED), State.PENDING),
        (ended(End.LOCKED), State.PENDING),
        (ended(End.INTERRUPTED), State.PENDING),
        (ended(End.OVERTAKEN), State.FAILURE),
        (ended(End.DRIFTED, task=Task.WORKLOADS), State.SUCCESS),
        (
            events.Unreadable(
                key=Key(repository="acme", stack="shop"), revision=FIRST, error="odd"
            ),
            State.FAILURE,
        ),
    ],
)
def test_every_end_has_a_state(event: events.Event, state: State) -> None:
    """What may go on by itself or by a person is pending, what needs another commit has failed."""
    ((commit, found, said),) = _set([event])
    assert (commit, found) == (FIRST, state)
    assert said


@pytest.mark.integration
def test_every_forge_gets_them(forge: Served, tmp_path: Path) -> None:
    """Under a name for each stack and environment, no longer than the forge takes; trouble is tried again."""
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n", encoding="utf-8")
    told = Statuses(kind=forge.kind, api=forge.api, repository=REPOSITORY, token_file=token)
    repository = Repository(name="acme", url="https://git.example.org/acme", statuses=told)
    setter = Setter({"acme": repository}, patience=Patience(tries=4, first=0.01))
    setter.recall({SHOP: waiting(revision="0" * 40).verdict})
    setter.listen(waiting(revision="0" * 40))
    forge.troubles.append(Trouble("POST", "statuses", 500))
    setter.listen(STARTED)
    setter.listen(failed("word " * 100))
    setter.listen(ended(End.APPLIED, revision=SECOND))
    eventually(lambda: len(forge.statuses) == 3, "the statuses")
    setter.close()
    names = {each.get("context") or each.get("name") for each in forge.statuses}
    assert names == {"orchestrator-agent: shop/production"}
    assert [each["sha"] for each in forge.statuses] == [FIRST, FIRST, SECOND]
    assert len(forge.statuses[1]["description"]) == 140
    assert setter.deliveries()["statuses acme", "sent"] == 3


@pytest.mark.integration
def test_a_token_that_is_missing_is_waited_for(tmp_path: Path) -> None:
    """It is read each time, since it may rotate; without it nothing is asked."""
    forge = FORGES[0]()
    with serving(forge):
        token = tmp_path / "token"
        told = Statuses(kind=forge.kind, api=forge.api, repository=REPOSITORY, token_file=token)
        repository = Repository(name="acme", url="https://git.example.org/acme", statuses=told)
        setter = Setter({"acme": repository}, patience=Patience(tries=200, first=0.01))
        setter.listen(APPLIED)
        assert forge.seen == []
        token.write_text(TOKEN, encoding="utf-8")
        eventually(lambda: len(forge.statuses) == 1, "the status")
        setter.close()

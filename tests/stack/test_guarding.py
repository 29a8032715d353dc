"""``guards:`` and ``on_failure:`` as people write them."""

from pathlib import Path

import pytest

from orchestrator.stack.policies import Guards, OnFailure, Window, Windows
from tests.stack.stack_files import HEAD, load, mistakes_of, write

_FREEZE = "freeze: [{cron: '0 0 20 12 *', for: 336h}]"
_CRON = "write minute, hour, day of the month, month and day of the week, such as 0 9 * * mon-fri"


def test_guards_as_they_are_written(tmp_path: Path) -> None:
    """A percentage, numbers, and windows in a time zone; what is left out guards nothing that was not guarded."""
    text = (
        "guards: {prune: 20%, destroys: 0, empty: true, approvals: 2, own_approvals: true, windows:"
        " {zone: Europe/Berlin, allow: [{cron: '0 9 * * mon-thu', for: 7h30m}], " + _FREEZE + "}}"
    )

    assert load(tmp_path, HEAD + text).guards == Guards(
        prune=20,
        at_least=1,
        destroys=0,
        empty=True,
        approvals=2,
        own_approvals=True,
        windows=Windows(
            zone="Europe/Berlin",
            allow=(Window(cron="0 9 * * mon-thu", seconds=27000.0),),
            freeze=(Window(cron="0 0 20 12 *", seconds=1209600.0),),
        ),
    )
    assert load(tmp_path, HEAD + "guards: {approvals: 1}").guards == Guards(approvals=1)
    assert load(tmp_path, HEAD).guards == Guards()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("stop", OnFailure()),
        ("retry", OnFailure(attempts=3)),
        ("restore-workloads", OnFailure(restore=True)),
        ("{attempts: 5}", OnFailure(attempts=5)),
        (
            "{attempts: 2, backoff: 1m, then: restore-workloads}",
            OnFailure(attempts=2, backoff=60.0, restore=True),
        ),
        ("{then: stop}", OnFailure()),
    ],
)
def test_what_follows_a_failure(tmp_path: Path, written: str, meant: OnFailure) -> None:
    """A word says it all; a map says how often, how soon, and what then."""
    assert load(tmp_path, HEAD + f"on_failure: {written}").on_failure == meant


def test_an_environment_says_it_for_itself(tmp_path: Path) -> None:
    """It replaces what the stack says, which replaces what the repository says."""
    write(tmp_path, {"orchestrator.yaml": "on_failure: retry\nguards: {approvals: 3}\n"})
    text = HEAD + "environments: {live: {on_failure: stop, guards: {destroys: 1}}, test: {}}\n"

    live, test = (load(tmp_path, text, name) for name in ("live", "test"))

    assert (live.on_failure, live.guards) == (OnFailure(), Guards(destroys=1))
    assert (test.on_failure, test.guards) == (OnFailure(attempts=3), Guards(approvals=3))


def test_pauses_between_attempts_grow() -> None:
    """Each is twice the one before, up to five minutes; one that is written longer stays as it is."""
    policy = OnFailure(attempts=9, backoff=30.0)

    assert [policy.pause_after(number) for number in range(1, 7)] == [30, 60, 120, 240, 300, 300]
    assert [OnFailure(backoff=600.0).pause_after(number) for number in (1, 2)] == [600, 600]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "guards: {destroys: -1}",
            "3:20 guards.destroys cannot be -1 | write how many, such as 5",
        ),
        (
            "guards: {approvals: two}",
            "3:21 guards.approvals must be a whole number, not the text 'two' | write how many, such as 2",
        ),
        (
            "guards: {windows: {zone: Europe/Berlln}}",
            "3:26 there is no time zone 'Europe/Berlln' | write its IANA name, such as Europe/Berlin or UTC",
        ),
        (
            "guards: {windows: {allow: [{cron: '0 9 * *', for: 1h}]}}",
            f"3:35 '0 9 * *' is no time that cron knows: it has 4 fields, not 5 | {_CRON}",
        ),
        (
            "environments: {a: {guards: {windows: {freeze: [{cron: '0 25 * * *', for: 1h}]}}}}",
            f"3:55 '0 25 * * *' is no time that cron knows: bad hour | {_CRON}",
        ),
        (
            "guards: {windows: {allow: [{cron: '0 9 * * *'}]}}",
            "3:28 guards.windows.allow[0] has no 'for' | add 'for: 8h'",
        ),
        (
            "guards: {windows: {allow: [{cron: '0 9 * * *', for: 2d}]}}",
            "3:53 guards.windows.allow[0].for '2d' is not a duration | write a duration, such as 8h or 1h30m",
        ),
        (
            "on_failure: again",
            (
                "3:13 on_failure must be stop, retry or restore-workloads, not 'again'"
                " | known here: restore-workloads, retry, stop"
            ),
        ),
        (
            "on_failure: {attempts: 0}",
            "3:24 on_failure.attempts cannot be 0 | write 1 or more",
        ),
    ],
)
def test_mistakes_in_them(tmp_path: Path, text: str, expected: str) -> None:
    """Also a time that cron does not know, or a zone that is nowhere, is found before anything is planned."""
    assert mistakes_of(tmp_path, HEAD + text) == [expected]

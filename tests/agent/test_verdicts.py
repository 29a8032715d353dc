"""What a child says of its task: enough to know why, redacted and within bounds."""

import io

from orchestrator import log
from orchestrator.agent.journal import journal
from orchestrator.agent.verdicts import End, Verdict, bounded, decode, encode
from orchestrator.agent.work.reconciling import refused
from orchestrator.errors import InvalidStack, Mistake, Place, PlanRefused
from tests.agent.happenings import failed

_PLACE = Place(file="stacks/shop/stack.yaml", line=3, column=5)


def _hide(text: str) -> str:
    return text.replace("hunter2", "(hidden)")


def test_mistakes_are_told_with_their_place() -> None:
    """The first one is why, with what to write instead; of several all are told."""
    first = Mistake(message="unknown key 'modulse'", place=_PLACE, hint="did you mean 'modules'?")
    found = refused(InvalidStack((first,)), "r1")
    assert found.message == "stacks/shop/stack.yaml:3:5: unknown key 'modulse'"
    assert (found.hint, found.detail) == (first.hint, "")
    both = refused(InvalidStack((first, Mistake(message="and no place"))), "r1")
    assert both.message == "stacks/shop/stack.yaml:3:5: unknown key 'modulse' (and 1 more)"
    assert both.detail.splitlines()[1] == "and no place"


def test_a_detail_is_redacted_and_says_more() -> None:
    """No secret leaves with it, and what the message says already is not said twice."""
    error = PlanRefused("it uses what it may not: a", detail="a\nhunter2")
    verdict = refused(error, "r1").redacted(_hide)
    assert verdict.detail == "a\n(hidden)"
    assert decode(encode(verdict)) == verdict
    alone = refused(PlanRefused("it uses what it may not: a", detail="a"), "r1")
    assert alone.redacted(_hide).detail == ""


def test_a_long_detail_keeps_its_ends() -> None:
    """How an error begins and how it ends tell the most, and a log line has bounds."""
    text = bounded("begin" + "x" * 100_000 + "end")
    assert len(text) <= 2_000
    assert text.startswith("begin")
    assert text.endswith("end")
    assert bounded("short") == "short"
    long = Verdict(end=End.FAILED, detail="y" * 3_000)
    assert len(long.redacted(_hide).detail) <= 2_000


def test_the_log_says_why() -> None:
    """The line of a task that failed has the detail, too."""
    stream = io.StringIO()
    log.configure(verbose=False, terminal=False, redact=str, stream=stream, told=True)
    try:
        journal(failed("apply failed", detail="the disk is full"))
    finally:
        log.configure(verbose=False, terminal=False, redact=str)
    assert '"detail": "the disk is full"' in stream.getvalue()

"""Logs help whoever reads them, and hold no secret."""

import io
import json
from collections.abc import Iterator

import pytest

from orchestrator import log
from orchestrator.plans.redaction import Secrets


@pytest.fixture(autouse=True)
def _quiet_again() -> Iterator[None]:
    yield
    log.configure(verbose=False, terminal=False, redact=str)


def test_takes_secrets_out_of_events_keys_and_tracebacks() -> None:
    """Redaction is last in the chain, so that nothing added before it escapes."""
    stream, secrets = io.StringIO(), Secrets()
    secrets.learn("correct horse")
    log.configure(verbose=True, terminal=False, redact=secrets.redact, stream=stream)

    try:
        int("correct horse")
    except ValueError:
        log.logger().exception("unit crashed", unit="modules.a", value=["correct horse"])

    written = json.loads(stream.getvalue())
    assert "correct horse" not in stream.getvalue()
    assert written["event"] == "unit crashed"
    assert "(sensitive)" in written["exception"]


def test_says_little_unless_asked() -> None:
    """Progress is told apart; a log line of every step is for looking into trouble."""
    stream = io.StringIO()
    log.configure(verbose=False, terminal=False, redact=str, stream=stream)

    log.logger().info("unit applied")
    log.logger().warning("lock taken over")

    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == [
        "lock taken over"
    ]


def test_tells_steps_to_whoever_asks() -> None:
    """A step is one line with a constant phrase and keys."""
    stream = io.StringIO()
    log.configure(verbose=True, terminal=False, redact=str, stream=stream)

    log.step("process ended", program="git", code=0)

    written = json.loads(stream.getvalue())
    assert (written["event"], written["program"], written["code"]) == ("process ended", "git", 0)


def test_goes_to_the_stderr_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who took its place for a while, and is gone, neither hears nor breaks what is logged later."""
    first, then = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stderr", first)
    log.trouble("lock taken over")
    first.close()
    monkeypatch.setattr("sys.stderr", then)

    log.trouble("lock given back")

    assert json.loads(then.getvalue())["event"] == "lock given back"

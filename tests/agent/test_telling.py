"""Notifications as they arrive, at servers on loopback: Slack's and other webhooks, and mail."""

import hashlib
import hmac
import io
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator import clock, log
from orchestrator.agent.configuration.channels import (
    About,
    Channel,
    Hidden,
    Mail,
    Security,
    Slack,
    Target,
    Webhook,
)
from orchestrator.agent.notifications.courier import Courier, Patience
from orchestrator.agent.notifications.telling import Teller
from orchestrator.agent.replicas.share import Share
from orchestrator.agent.verdicts import End
from orchestrator.settings import Settings
from tests.agent.happenings import FIRST, SHOP, ended, failed, surveyed, waiting
from tests.agent.sinks import Hooks, hooks, mailbox
from tests.certificates import self_signed
from tests.end_to_end.commands import eventually

pytestmark = pytest.mark.integration

SECRET = "hunter2"
QUICK = Patience(tries=4, first=0.01)


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """Return what is logged."""
    stream = io.StringIO()
    log.configure(verbose=False, terminal=False, redact=str, stream=stream, told=True)
    yield stream
    log.configure(verbose=False, terminal=False, redact=str)


@pytest.fixture
def sink() -> Iterator[Hooks]:
    """Return a server that takes posts."""
    with hooks() as served:
        yield served


def _teller(target: Target, *, patience: Patience = QUICK, **environment: str) -> Teller:
    channel = Channel(name="team", target=target, about=frozenset(About))
    settings = replace(Settings.read(), environment=environment)
    return Teller("keeper", [channel], settings, patience=patience)


def _slack(sink: Hooks, **more: Any) -> Teller:
    return _teller(Slack(url=Hidden(variable="URL")), URL=f"{sink.url}/{SECRET}", **more)


def test_slack_gets_what_it_takes(sink: Hooks) -> None:
    """It says what failed and what to do; a commit's words mention and link nobody."""
    teller = _slack(sink)
    teller.listen(failed("<!channel> see <https://evil.example|here> & *there*"))
    teller.close()
    (posted,) = sink.posts
    assert posted.path == f"/{SECRET}"
    assert posted.headers["content-type"] == "application/json"
    assert "shop/production failed" in posted.json["text"]
    text = posted.json["blocks"][0]["text"]["text"]
    assert "&lt;!channel&gt;" in text
    assert "<" not in text
    assert FIRST[:10] in text
    assert teller.deliveries()["team", "sent"] == 1


def test_a_webhook_is_signed(sink: Hooks, tmp_path: Path) -> None:
    """Who knows the secret, from a file that may rotate, can tell that nobody else sent it, and when."""
    file = tmp_path / "secret"
    target = Webhook(url=Hidden(variable="URL"), secret=Hidden(file=file))
    teller = _teller(target, URL=sink.url)
    for secret in ("first", "second"):
        file.write_text(f"{secret}\n", encoding="utf-8")
        teller.listen(failed(revision=secret))
        eventually(lambda: len(sink.posts) == ["first", "second"].index(secret) + 1, "a post")  # noqa: B023
    teller.close()
    for posted, secret in zip(sink.posts, ("first", "second"), strict=True):
        signed = posted.headers["x-signature-timestamp"].encode() + b"." + posted.body
        mac = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        assert posted.headers["x-signature-256"] == f"sha256={mac}"
        assert posted.json["about"] == "failure"
        assert posted.json["severity"] == "error"
        assert (posted.json["stack"], posted.json["environment"]) == ("shop", "production")
        assert posted.json["revision"] == secret
    assert sink.posts[0].json["id"] != sink.posts[1].json["id"]


def test_the_reason_arrives(sink: Hooks) -> None:
    """What is said at length follows what says it in short, wherever it is told."""
    why = failed("modules.db: apply failed", detail="the disk of the database is full")
    url = Hidden(variable="URL")
    for target in (Slack(url=url), Webhook(url=url, secret=Hidden(variable="SECRET"))):
        teller = _teller(target, URL=sink.url, SECRET=SECRET)
        teller.listen(why)
        teller.close()
    slack, webhook = (posted.json for posted in sink.posts)
    assert "the disk of the database is full" in slack["blocks"][0]["text"]["text"]
    assert webhook["detail"] == "the disk of the database is full"


def test_an_approval_names_the_plan(sink: Hooks) -> None:
    """Whoever is to approve is told what would be done, and by which digest."""
    teller = _slack(sink)
    teller.listen(waiting(digest="f00d" * 16, done="1 to update"))
    teller.close()
    text = sink.posts[0].json["blocks"][0]["text"]["text"]
    assert "waits for an approval" in text
    assert "would do 1 to update" in text
    assert "digest f00df00df00df00d" in text


def test_a_mail_says_it() -> None:
    """A message adds no header, whatever it has in it; a mail that is refused for now is sent again."""
    with mailbox() as box:
        box.answers = ["451 later"]
        teller = _teller(_mail(box.port, Security.NONE))
        teller.listen(failed("it broke\r\nBcc: eve@example.org"))
        eventually(lambda: box.mails, "a mail")
        teller.close()
    (mail,) = box.mails
    assert mail["Subject"] == "[error] shop/production failed"
    assert mail["Bcc"] is None
    assert mail["Message-ID"].endswith("@example.org>")
    assert "it broke" in mail.get_content()
    assert box.between == [("agent@example.org", ["ops@example.org", "dev@example.org"])]


def test_a_password_goes_through_tls_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: io.StringIO
) -> None:
    """A server without a certificate that is trusted gets nothing; one with it gets the login and the mail."""
    authority = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    with mailbox(context, login=True) as box:
        distrusting = _teller(_mail(box.port, username="agent"), PASSWORD=SECRET)
        distrusting.listen(failed())
        distrusting.close()
        assert (box.mails, box.logins) == ([], [])
        assert "certificate" in said.getvalue()
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        trusting = _teller(_mail(box.port, username="agent"), PASSWORD=SECRET)
        trusting.listen(failed())
        trusting.close()
        assert box.logins == [("agent", SECRET)]
        assert len(box.mails) == 1
    assert SECRET not in said.getvalue()


def test_a_server_without_tls_gets_no_password(said: io.StringIO) -> None:
    """Where STARTTLS is asked for and not offered, nothing is said."""
    with mailbox() as box:
        teller = _teller(_mail(box.port, username="agent"), PASSWORD=SECRET)
        teller.listen(failed())
        teller.close()
        assert (box.mails, box.logins) == ([], [])
    assert "offers no STARTTLS" in said.getvalue()


def test_what_is_refused_for_now_is_tried_again_and_not_for_ever(
    sink: Hooks, said: io.StringIO
) -> None:
    """A server in trouble is tried a few times; one that says no is asked once. The address is nowhere."""
    sink.answers = [(503, {}), (429, {"Retry-After": "0"})]
    teller = _slack(sink)
    teller.listen(failed())
    eventually(lambda: teller.deliveries()["team", "sent"], "the third try")
    sink.answers = [(500, {})] * 4
    teller.listen(failed(revision="a"))
    eventually(lambda: teller.deliveries()["team", "failed"] == 1, "the last try")
    sink.answers = [(403, {})]
    teller.listen(failed(revision="b"))
    eventually(lambda: teller.deliveries()["team", "failed"] == 2, "the refusal")
    teller.close()
    assert len(sink.posts) == 3 + 4 + 1
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    assert [line["why"] for line in lines] == ["it answers 500", "it answers 403"]
    assert SECRET not in said.getvalue()


def test_no_redirect_is_followed(sink: Hooks, said: io.StringIO) -> None:
    """What is told is told to whom the address names, and to nobody else."""
    with hooks() as elsewhere:
        sink.answers = [(307, {"Location": elsewhere.url})]
        teller = _slack(sink)
        teller.listen(failed())
        teller.close()
        assert elsewhere.posts == []
    assert "it answers 307" in said.getvalue()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "the variable URL is empty"),
        ("ftp://hunter2.example", "neither https"),
        ("http://hunter2.invalid:port/", "cannot be used"),
        ("http://127.0.0.1:{closed}/hunter2", "does not answer"),
    ],
)
def test_an_address_that_is_none_is_told_without_it(url: str, why: str, said: io.StringIO) -> None:
    """What is wrong is logged with the channel's name, and nothing of the address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        closed = taken.getsockname()[1]
    teller = _teller(Slack(url=Hidden(variable="URL")), URL=url.format(closed=closed))
    teller.listen(failed())
    teller.close()
    assert why in said.getvalue()
    assert SECRET not in said.getvalue()


def test_what_was_known_before_the_start_is_no_news(sink: Hooks) -> None:
    """After a start what stands is told to nobody again, and its end is."""
    teller = _slack(sink)
    teller.recall({SHOP: failed().verdict})
    teller.listen(failed("again"))
    teller.listen(ended(End.UNCHANGED))
    teller.close()
    assert ["as Git wants it again" in each.json["text"] for each in sink.posts] == [True]


def test_what_another_replica_tells_is_told_once(sink: Hooks) -> None:
    """Each stack, and each repository as a whole, is one replica's to tell of."""
    settings = replace(Settings.read(), environment={"URL": sink.url})
    channel = Channel(name="team", target=Slack(url=Hidden(variable="URL")), about=frozenset(About))
    shares = [Share(begin=frozenset(range(8))), Share(begin=frozenset(range(8, 16)))]
    tellers = [
        Teller("keeper", [channel], settings, tells=share.tells, patience=QUICK) for share in shares
    ]
    for teller in tellers:
        teller.listen(surveyed(error="no signature"))
        teller.listen(failed())
        teller.close()
    assert len(sink.posts) == 2


def test_nobody_waits_for_a_channel_that_hangs(sink: Hooks) -> None:
    """Events are taken while a server holds its answer back, and another channel is told meanwhile."""
    sink.hold = threading.Event()
    with hooks() as quick:
        channels = [
            Channel(name=name, target=Slack(url=Hidden(variable=name)), about=frozenset(About))
            for name in ("slow", "quick")
        ]
        urls = {"slow": sink.url, "quick": quick.url}
        settings = replace(Settings.read(), environment=urls)
        teller = Teller("keeper", channels, settings, patience=QUICK)
        began = clock.seconds()
        for number in range(40):
            teller.listen(ended(End.FAILED, revision=str(number)))
        assert clock.seconds() - began < 2
        eventually(lambda: len(quick.posts) == 40, "the other channel")
        assert sink.posts == []
        sink.hold.set()
        teller.close()
    assert len(sink.posts) == 40


def test_what_waits_has_a_bound(said: io.StringIO) -> None:
    """Beyond some hundreds the newest are dropped, counted and logged; closing does not wait for ever."""
    held, carried = threading.Event(), []

    def carry(what: int) -> None:
        held.wait(30)
        carried.append(what)

    courier = Courier("bounded", carry, QUICK)
    for number in range(600):
        courier.put(number)
    assert 98 <= courier.counts["bounded", "dropped"] <= 100
    began = clock.seconds()
    courier.close(0.2)
    assert clock.seconds() - began < 2
    assert "notifications lost" in said.getvalue()
    held.set()
    eventually(
        lambda: "tell bounded" not in [thread.name for thread in threading.enumerate()],
        "the thread to end",
    )
    assert len(carried) >= 500


def _mail(port: int, security: Security = Security.STARTTLS, *, username: str = "") -> Mail:
    return Mail(
        host="127.0.0.1",
        port=port,
        security=security,
        sender="agent@example.org",
        receivers=("ops@example.org", "dev@example.org"),
        username=username,
        password=Hidden(variable="PASSWORD") if username else None,
    )

"""Webhooks: only who knows the secret is heard, once, and only about the branch that counts."""

import hashlib
import hmac
import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agent.configuration.model import HookKind
from orchestrator.agent.decisions.hooks import concerns
from orchestrator.agent.decisions.signatures import (
    MOST_AGE,
    Delivery,
    Refusal,
    Remembered,
    judged,
)

NOW = 1_800_000_000.0
SECRET = b"correct horse battery staple"
KINDS = st.sampled_from(HookKind)
BODIES = st.binary(max_size=200)
NONE = Remembered()


def _signed(kind: HookKind, body: bytes, *, secret: bytes = SECRET, at: float = NOW) -> Delivery:
    """Return a delivery as that forge signs it."""

    def mac(content: bytes) -> str:
        return hmac.new(secret, content, hashlib.sha256).hexdigest()

    time = str(int(at))
    headers = {
        HookKind.GITHUB: {"x-hub-signature-256": f"sha256={mac(body)}"},
        HookKind.GITEA: {"x-gitea-signature": mac(body)},
        HookKind.GITLAB: {"x-gitlab-token": secret.decode()},
        HookKind.GENERIC: {
            "x-signature-timestamp": time,
            "x-signature-256": f"sha256={mac(time.encode() + b'.' + body)}",
        },
    }
    return Delivery(headers=headers[kind], body=body)


@given(KINDS, BODIES)
def test_what_is_signed_is_taken_once(kind: HookKind, body: bytes) -> None:
    """The same delivery, whatever number a forge gives it, is refused the second time."""
    delivery = _signed(kind, body)
    after = judged(kind, SECRET, delivery, NONE, now=NOW)
    assert isinstance(after, Remembered)
    assert judged(kind, SECRET, delivery, after, now=NOW) is Refusal.REPLAYED


def test_gitlab_may_send_the_same_again() -> None:
    """Somebody asks it to, or a branch goes to and fro: that is another event of the same body."""
    first = _signed(HookKind.GITLAB, b"{}")
    number = {"x-gitlab-event-uuid": "2"}
    again = Delivery(headers={**first.headers, **number}, body=first.body)
    after = judged(HookKind.GITLAB, SECRET, first, NONE, now=NOW)
    assert isinstance(after, Remembered)
    after = judged(HookKind.GITLAB, SECRET, again, after, now=NOW)
    assert isinstance(after, Remembered)
    assert judged(HookKind.GITLAB, SECRET, again, after, now=NOW) is Refusal.REPLAYED


@given(KINDS, BODIES, st.text(alphabet="abcdef", min_size=1, max_size=20))
def test_another_secret_signs_nothing(kind: HookKind, body: bytes, other: str) -> None:
    """A delivery that is signed with anything else is not of this secret."""
    forged = _signed(kind, body, secret=other.encode())
    assert judged(kind, SECRET, forged, NONE, now=NOW) is Refusal.FORGED


@given(st.sampled_from([HookKind.GITHUB, HookKind.GITEA, HookKind.GENERIC]), BODIES, BODIES)
def test_a_signature_is_of_one_body(kind: HookKind, body: bytes, other: bytes) -> None:
    """Whoever changes a body needs another signature."""
    moved = Delivery(headers=_signed(kind, body).headers, body=other)
    verdict = judged(kind, SECRET, moved, NONE, now=NOW)
    assert isinstance(verdict, Remembered) if body == other else verdict is Refusal.FORGED


@given(KINDS, BODIES, st.dictionaries(st.text(max_size=30), st.text(max_size=80), max_size=5))
def test_whatever_comes_is_judged(kind: HookKind, body: bytes, headers: dict[str, str]) -> None:
    """No header, and no body, is a way around the signature, or ends anything."""
    for name in ("x-hub-signature-256", "x-gitea-signature", "x-gitlab-token", "x-signature-256"):
        delivery = Delivery(headers={**headers, name: "é\udc80"}, body=body)
        assert judged(kind, SECRET, delivery, NONE, now=NOW) in set(Refusal)
    assert isinstance(concerns(kind, Delivery(headers=headers, body=body), "main"), bool)


@pytest.mark.parametrize("kind", HookKind)
def test_an_empty_secret_signs_nothing(kind: HookKind) -> None:
    """A file without a secret lets nobody in, also not who signs with nothing."""
    delivery = _signed(kind, b"{}", secret=b"")
    assert judged(kind, b"", delivery, NONE, now=NOW) is Refusal.UNSIGNED


@given(st.floats(-1e6, 1e6))
def test_a_signed_time_does_not_last(age: float) -> None:
    """A delivery with a time is taken some minutes long, and not before."""
    delivery = _signed(HookKind.GENERIC, b"{}", at=NOW - age)
    verdict = judged(HookKind.GENERIC, SECRET, delivery, NONE, now=NOW)
    if abs(age) > MOST_AGE + 1:
        assert verdict is Refusal.STALE
    elif abs(age) < MOST_AGE - 1:
        assert isinstance(verdict, Remembered)


def test_memory_has_a_bound() -> None:
    """Whoever knows the secret cannot make the agent remember without end; the newest are kept."""
    marks = Remembered(marks=dict.fromkeys(map(str, range(10_000))))
    after = marks.with_mark("new")
    assert len(after.marks) == 10_000
    assert after.knows("new")
    assert not after.knows("0")


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        (HookKind.GITHUB, {"x-github-event": "push"}),
        (HookKind.GITEA, {"x-gitea-event": "push"}),
        (HookKind.GITLAB, {"x-gitlab-event": "Push Hook"}),
    ],
)
def test_only_a_push_to_the_branch_counts(kind: HookKind, headers: dict[str, str]) -> None:
    """A push to another branch, a comment or a ping makes nobody look."""

    def counts(ref: object, **more: str) -> bool:
        body = json.dumps({"ref": ref}).encode()
        return concerns(kind, Delivery(headers={**headers, **more}, body=body), "main")

    assert counts("refs/heads/main")
    assert not counts("refs/heads/other")
    assert not counts("refs/tags/main")
    assert not counts(["refs/heads/main"])
    assert not counts("refs/heads/main", **dict.fromkeys(headers, "ping"))


@pytest.mark.parametrize("more", ["", "; charset=utf-8"])
def test_a_form_is_read_as_github_sends_it(more: str) -> None:
    """The content type that GitHub offers first; what of it cannot be read says nothing."""
    kind = f"application/x-www-form-urlencoded{more}"
    headers = {"x-github-event": "push", "content-type": kind}

    def counts(body: bytes) -> bool:
        return concerns(HookKind.GITHUB, Delivery(headers=headers, body=body), "main")

    def form(ref: str) -> bytes:
        return urlencode({"payload": json.dumps({"ref": ref, "by": "Jürgen & co"})}).encode()

    assert counts(form("refs/heads/main"))
    assert not counts(form("refs/heads/other"))
    assert not counts(b"payload=%7B")
    assert not counts(b"\xff=1")
    assert not counts(b"&".join([b"a=1"] * 1000))
    assert not counts(b"")


def test_a_generic_hook_always_counts() -> None:
    """Whoever is no forge says nothing but: look."""
    assert concerns(HookKind.GENERIC, Delivery(headers={}, body=b""), "main")

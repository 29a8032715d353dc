"""Errors for programs, as one JSON document on stdout, and for people at a terminal of 80 columns."""

from __future__ import annotations

import os
import pty
import subprocess
import termios
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.end_to_end.bad_input.shop import NETWORK, SETTINGS, STACK, Shop
from tests.forked.command import ORCHESTRATOR

pytestmark = pytest.mark.integration


def _error(shop: Shop, *arguments: str, code: int) -> dict[str, Any]:
    ended = shop.run(*arguments, "--output", "json")
    assert ended.code == code, ended.said
    assert set(ended.json) == {"format", "error"}
    error: dict[str, Any] = ended.json["error"]
    assert error["exit_code"] == code
    told = " ".join(ended.stderr.split())
    assert " ".join(f"error: {error['message']}".split()) in told
    assert " ".join(error["hint"].split()) in told
    return error


@pytest.mark.parametrize("verb", [("validate",), ("plan", "shop"), ("apply", "shop", "--yes")])
def test_mistakes_have_places(shop: Shop, verb: tuple[str, ...]) -> None:
    """Every mistake with file, line and column, its hint, and the second place where there is one."""
    shop.edit(STACK, "  replicas: 2\n", "  replicas: 2\n  replicas: 3\n")
    shop.edit(SETTINGS, "kind: ConfigMap\n", "")
    shop.commit()

    error = _error(shop, *verb, code=1)

    assert error["kind"] == "InvalidStack"
    assert error["mistakes"][0] == {
        "message": "the key 'replicas' stands twice in the same map",
        "hint": "remove one of the two, or merge them",
        "place": {"file": STACK, "line": 5, "column": 3},
        "related": {"file": STACK, "line": 4, "column": 3},
    }


def test_a_wrong_call_is_told_as_json_too(shop: Shop) -> None:
    """Also when it ends before the flags of the verb are read."""
    error = _error(shop, "plan", "--nonsense", code=64)

    assert error["kind"] == "UsageError"
    assert error["mistakes"] == []


@pytest.mark.parametrize("verb", ["status", "history"])
def test_other_verbs_do_the_same(shop: Shop, verb: str) -> None:
    """Every verb that writes JSON tells its errors in it."""
    error = _error(shop, verb, "shp", code=64)

    assert error["message"].startswith("there is no stack 'shp'")
    assert error["hint"] == "did you mean 'shop'?"


def test_what_terraform_says_is_the_detail(shop: Shop) -> None:
    """Its words are kept apart from ours."""
    shop.edit(NETWORK, "cidrsubnet(var.cidr, 8, 1)", "cidrsubnet(var.range, 8, 1)")
    shop.without_workloads()

    error = _error(shop, "plan", code=1)

    assert error["kind"] == "TerraformError"
    assert 'name "range" has not been declared' in error["detail"]


def test_a_terminal_gets_lines_that_fit(shop: Shop) -> None:
    """Long lines are broken between words; elsewhere a message is one line, which can be searched for."""
    shop.edit(NETWORK, "cidrsubnet(var.cidr, 8, 1)", "cidrsubnet(var.range, 8, 1)")
    shop.without_workloads()

    told = _on_terminal(shop, "plan", columns=80)
    elsewhere = shop.run("plan").stderr

    assert max(map(len, told)) <= 80 < max(map(len, elsewhere.splitlines()))
    assert '  can be declared with a variable "range" {} block.' in told


def _on_terminal(shop: Shop, *arguments: str, columns: int) -> list[str]:
    """Return the lines of an error as a terminal gets them."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    with subprocess.Popen(
        (ORCHESTRATOR, *arguments),
        cwd=shop.root,
        env={**shop.environment, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ):
        os.close(theirs)
        text = b"".join(_read(ours)).decode()
    os.close(ours)
    return text[text.index("error: ") :].splitlines()


def _read(terminal: int) -> Iterator[bytes]:
    with suppress(OSError):  # Linux ends a terminal that nobody writes to any more with an error
        while data := os.read(terminal, 4096):
            yield data

"""The file of a saved plan: what is in it comes out again, and what is damaged is refused as that."""

import contextlib

import pytest

from orchestrator.engine.execution.archive import Archive, Description, MadeFrom, packed, unpacked
from orchestrator.errors import UsageError
from orchestrator.stack.model import UnitId

UNIT = UnitId("modules.base")
ARCHIVE = Archive(
    description=Description(
        stack="shop",
        environment="default",
        commit="0123",
        difference="",
        only=[],
        destroy=False,
        head="",
        place="",
        digest="4567",
        modules={
            UNIT: MadeFrom(state="a:1", state_file="", code="", lock="", engine="", inputs={})
        },
        effects={},
    ),
    plan_files={UNIT: b"a plan file " * 40},
    lock_files={UNIT: "# a lock file"},
)


def test_what_is_packed_is_unpacked() -> None:
    """Description, plan files and lock files."""
    assert unpacked(packed(ARCHIVE), shown="shop.plan") == ARCHIVE


def test_whatever_byte_is_damaged_it_is_no_error_of_ours() -> None:
    """A disk or a mail gateway changes any of them, and a file may be cut anywhere."""
    content = packed(ARCHIVE)
    damaged = [
        content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :] for at in range(len(content))
    ]
    cut = [content[:at] for at in range(len(content))]
    refused = 0
    for each in (*damaged, *cut):
        with contextlib.suppress(UsageError):
            unpacked(each, shown="shop.plan")
            continue
        refused += 1
    assert refused > len(content)


def test_a_damaged_file_is_told_as_one() -> None:
    """With what to do about it."""
    content = bytearray(packed(ARCHIVE))
    content[80] ^= 0xFF
    with pytest.raises(
        UsageError, match=r"shop\.plan is not a saved plan, or is damaged"
    ) as caught:
        unpacked(bytes(content), shown="shop.plan")
    assert "orchestrator plan --out FILE" in caught.value.hint

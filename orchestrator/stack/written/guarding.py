"""``guards:`` and ``on_failure:``: their shape, what they mean, and what is wrong with their times."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from orchestrator.errors import Mistake
from orchestrator.stack.model import Json
from orchestrator.stack.policies import Guards, OnFailure, Window, Windows
from orchestrator.stack.written import terms as core_schema
from orchestrator.stack.written.durations import DURATION, seconds
from orchestrator.stack.written.keys import FLAG, SETTINGS, TEXT, Key, list_of, map_of, word_or
from orchestrator.stack.written.sections import Section

SHARE: Final = r"^(100|[1-9]?[0-9])%$"

_ANY_TIME: Final = datetime(2025, 1, 1, tzinfo=UTC)
_FIELDS: Final = 5
_RETRIED: Final = 3
_RESTORE: Final = "restore-workloads"
_DURATION: Final = core_schema.str_schema(strict=True, pattern=DURATION)
_WINDOW: Final = map_of(
    {
        "cron": Key(
            TEXT,
            "When it begins: minute, hour, day of the month, month and day of the week, as cron has them.",
            '"0 9 * * mon-thu"',
            required=True,
        ),
        "for": Key(_DURATION, "How long it lasts.", "8h", required=True),
    }
)
WINDOWS: Final = map_of(
    {
        "zone": Key(
            TEXT,
            "The time zone that `cron` is read in, by its IANA name.",
            "Europe/Berlin",
            default="UTC",
        ),
        "allow": Key(list_of(_WINDOW), "When changes may be applied; if left out, at any time."),
        "freeze": Key(list_of(_WINDOW), "When nothing may be applied, whatever `allow` says."),
    }
)
GUARDS: Final = map_of(
    {
        "prune": Key(
            core_schema.str_schema(strict=True, pattern=SHARE),
            "The share of its objects that a set, or the stack, may lose by one apply without it being"
            " acknowledged; if left out, half of them, and at least ten.",
            "20%",
        ),
        "destroys": Key(
            core_schema.int_schema(ge=0, strict=True),
            "How many resources and objects one apply may delete or replace; if left out, any number.",
            "5",
        ),
        "empty": Key(
            FLAG,
            "Whether a commit may leave the stack without any unit, which deletes all that it has.",
            "true",
            default="false",
        ),
        "approvals": Key(
            core_schema.int_schema(ge=0, strict=True),
            "How many people have to approve a plan before it is applied.",
            "2",
            default="0",
        ),
        "own_approvals": Key(
            FLAG,
            "Whether approvals count of who applies the plan, or wrote what it brings.",
            "true",
            default="false",
        ),
        "windows": Key(WINDOWS, "The times at which changes may be applied."),
    }
)
ON_FAILURE: Final = Key(
    word_or(
        ("stop", "retry", _RESTORE),
        SETTINGS,
        map_of(
            {
                "attempts": Key(
                    core_schema.int_schema(ge=1, le=10, strict=True),
                    "How often a unit is tried in all, in one apply.",
                    "3",
                    default="1",
                ),
                "backoff": Key(
                    _DURATION,
                    "How long to wait before the second attempt; it doubles with each, up to five minutes.",
                    "30s",
                    default="10s",
                ),
                "then": Key(
                    core_schema.literal_schema(["stop", _RESTORE]),
                    "What follows when the last attempt has failed.",
                    _RESTORE,
                    default="stop",
                ),
            }
        ),
    ),
    "What follows when a unit fails: leave everything as it is, try it three times, or bring back the workloads of"
    " the last revision that was healthy.",
    "retry",
    default="stop",
)


def read_guards(section: Section) -> Guards:
    """Read ``guards:``."""
    share = section.text("prune").removesuffix("%")
    pruned = {"prune": int(share), "at_least": 1} if share.isdecimal() else {}
    return Guards(
        **pruned,
        destroys=section.number("destroys"),
        empty=section.values.get("empty") is True,
        approvals=section.number("approvals") or 0,
        own_approvals=section.values.get("own_approvals") is True,
        windows=read_windows(section.below("windows")),
    )


def read_on_failure(section: Section) -> OnFailure:
    """Read ``on_failure:``, a word or a map."""
    match section.value:
        case "retry":
            return OnFailure(attempts=_RETRIED)
        case str() as word:
            return OnFailure(restore=word == _RESTORE)
        case _:
            backoff = section.text("backoff")
            return OnFailure(
                attempts=section.number("attempts") or 1,
                backoff=seconds(backoff) if backoff else OnFailure().backoff,
                restore=section.text("then") == _RESTORE,
            )


def check_windows(section: Section) -> Iterator[Mistake]:
    """Yield what is wrong with the windows of a file and of its environments, beyond their shape."""
    environments = section.below("environments").entries()
    for each in (section, *environments):
        yield from check_times(each.below("guards", "windows"))


def check_times(windows: Section) -> Iterator[Mistake]:
    """Yield what is wrong with windows, wherever they are written, beyond their shape."""
    yield from _check_zone(windows)
    for kind in ("allow", "freeze"):
        written = windows.values.get(kind)
        for index, window in enumerate(written if isinstance(written, list) else ()):
            yield from _check_cron(windows, (kind, index, "cron"), _cron(window))


def _check_zone(windows: Section) -> Iterator[Mistake]:
    zone = windows.text("zone")
    if not zone:
        return
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(zone)
    except (LookupError, ValueError, OSError):
        yield Mistake(
            message=f"there is no time zone {zone!r}",
            place=windows.locate(("zone",)),
            hint="write its IANA name, such as Europe/Berlin or UTC",
        )


def _check_cron(
    windows: Section, path: tuple[str | int, ...], cron: str | None
) -> Iterator[Mistake]:
    if cron is None:
        return
    why = _no_cron(cron)
    if why:
        yield Mistake(
            message=f"{cron!r} is no time that cron knows: {why}",
            place=windows.locate(path),
            hint="write minute, hour, day of the month, month and day of the week, such as 0 9 * * mon-fri",
        )


def _no_cron(text: str) -> str:
    """Return why a text is no time that cron knows, or nothing."""
    from cronsim import CronSim, CronSimError

    fields = len(text.split())
    if fields != _FIELDS:  # the library would take seconds too
        return f"it has {fields} fields, not {_FIELDS}"
    try:
        next(CronSim(text, _ANY_TIME))
    except CronSimError as error:
        return str(error).lower()
    except StopIteration:
        return "it never comes"
    return ""


def read_windows(section: Section) -> Windows:
    """Read windows, wherever they are written."""
    return Windows(
        zone=section.text("zone") or "UTC",
        allow=tuple(_each_window(section.values.get("allow"))),
        freeze=tuple(_each_window(section.values.get("freeze"))),
    )


def _each_window(written: Json) -> Iterator[Window]:
    """Read a list of windows; one of the wrong shape is left out."""
    for entry in written if isinstance(written, list) else ():
        cron = _cron(entry)
        lasts = entry.get("for") if isinstance(entry, dict) else None
        if cron and isinstance(lasts, str):
            yield Window(cron=cron, seconds=seconds(lasts))


def _cron(entry: Json) -> str | None:
    cron = entry.get("cron") if isinstance(entry, dict) else None
    return cron if isinstance(cron, str) else None

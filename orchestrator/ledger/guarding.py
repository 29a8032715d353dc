"""The JSON form of guards as the ledger keeps them: those that hold."""

from orchestrator.ledger.fields import Fields
from orchestrator.stack.model import Json
from orchestrator.stack.policies import Guards, Window, Windows


def guards_json(guards: Guards) -> dict[str, Json]:
    """Return the form in which the ledger keeps guards."""
    return {
        "prune": guards.prune,
        "at_least": guards.at_least,
        "destroys": guards.destroys,
        "empty": guards.empty,
        "approvals": guards.approvals,
        "own_approvals": guards.own_approvals,
        "windows": {
            "zone": guards.windows.zone,
            "allow": [_window(each) for each in guards.windows.allow],
            "freeze": [_window(each) for each in guards.windows.freeze],
        },
    }


def read_guards(fields: Fields) -> Guards:
    """Return the guards that a mapping holds; raises ValueError when it holds none."""
    windows = fields.inner("windows")
    return Guards(
        prune=fields.number("prune"),
        at_least=fields.number("at_least"),
        destroys=fields.number("destroys") if fields.holds("destroys") else None,
        empty=fields.flag("empty"),
        approvals=fields.number("approvals"),
        own_approvals=fields.flag("own_approvals"),
        windows=Windows(
            zone=windows.text("zone"),
            allow=tuple(map(_read_window, windows.each("allow"))),
            freeze=tuple(map(_read_window, windows.each("freeze"))),
        ),
    )


def _window(window: Window) -> Json:
    return {"cron": window.cron, "seconds": window.seconds}


def _read_window(fields: Fields) -> Window:
    return Window(cron=fields.text("cron"), seconds=fields.amount("seconds"))

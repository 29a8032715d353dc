"""The guards of two histories as one set that holds all that either holds. Pure."""

from orchestrator.stack.policies import Guards, Windows


def strictest_of(older: Guards, newer: Guards) -> Guards:
    """Return guards that let nothing pass which either of two does not.

    Windows that no one set can say together, such as those of two time zones, are the ``newer`` ones.
    """
    asking = [each.own_approvals for each in (older, newer) if each.approvals]
    return Guards(
        prune=min(older.prune, newer.prune),
        at_least=min(older.at_least, newer.at_least),
        destroys=_fewest(older.destroys, newer.destroys),
        empty=older.empty and newer.empty,
        windows=_together(older.windows, newer.windows) or newer.windows,
        approvals=max(older.approvals, newer.approvals),
        own_approvals=all(asking or (older.own_approvals, newer.own_approvals)),
    )


def tightened(before: Guards | None, now: Guards) -> Guards | None:
    """Return what holds once a run begins with guards: all of both, None where that is what held before.

    Windows that no one set can say together stay what they were, until the new ones were applied with success.
    """
    found = strictest_of(now, before) if before else now
    return None if found == before else found


def windows_go_together(older: Guards, newer: Guards) -> bool:
    """Whether one set of guards can say the windows of both."""
    return _together(older.windows, newer.windows) is not None


def _together(one: Windows, other: Windows) -> Windows | None:
    """Return windows in which both allow a change, None where that cannot be said."""
    if not (one.allow or one.freeze):
        return other
    if one == other or not (other.allow or other.freeze):
        return one
    shared = tuple(each for each in one.allow if each in other.allow)
    allow = shared if one.allow and other.allow else one.allow or other.allow
    if one.zone != other.zone or (one.allow and not allow):
        return None
    freeze = tuple(dict.fromkeys((*one.freeze, *other.freeze)))
    return Windows(zone=one.zone, allow=allow, freeze=freeze)


def _fewest(one: int | None, other: int | None) -> int | None:
    limits = [each for each in (one, other) if each is not None]
    return min(limits, default=None)

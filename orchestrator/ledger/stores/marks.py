"""Where the ledger of a clone was seen on remotes, and what the clone is ahead of them with."""

from collections.abc import Mapping
from typing import Final

from orchestrator.ledger.encoding import decode_state
from orchestrator.ledger.stores.aside import Aside
from orchestrator.ledger.stores.plumbing import Plumbing
from orchestrator.ledger.stores.standing import STATE
from orchestrator.plans.objects import Owner

SEEN: Final = "refs/orchestrator-remote"


def seen_on(plumbing: Plumbing, owner: Owner) -> Mapping[str, str]:
    """Return where a ledger stood on each remote when it was seen there last."""
    marks, end = plumbing.list_refs((f"{SEEN}/*",)), f"/{owner}"
    return {
        ref.removeprefix(f"{SEEN}/").removesuffix(end): at
        for ref, at in marks.items()
        if ref.endswith(end)
    }


def part(plumbing: Plumbing, owner: Owner) -> None:
    """Let what a clone is ahead of a remote with wait aside: the ledger goes on in another place by now.

    The remote is not asked: what arrived there after all is in the other place, too. Raises RepositoryError where no
    ref can be moved, and LedgerError where it cannot be read.
    """
    marks, ref = seen_on(plumbing, owner), f"refs/orchestrator/{owner}"
    aside = Aside(owner=owner, plumbing=plumbing)
    ledger, state = plumbing.read((ref, f"{ref}:{STATE}")) if marks else (None, None)
    if ledger is None or state is None or ledger[0] in marks.values():
        return
    if decode_state(state[1]).moved:  # from this clone: the other place has all of it
        return
    for mark in marks.values():
        if ahead := aside.ahead(ledger[0], mark):
            tip = aside.tip()
            chained = aside.chained(ahead, tip=tip)
            plumbing.move({ref: (ledger[0], mark), aside.ref: (tip, chained)})
            return

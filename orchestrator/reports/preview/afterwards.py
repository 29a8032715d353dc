"""The last line of a request's comment: what was applied of it, when, by whom, and whether it was what was shown."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from orchestrator.plans.preview import Afterwards, Became
from orchestrator.reports.preview.harmless import code

ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9._~:/?=&%+-]{1,300}")


def last_sentences(afterwards: Iterable[Afterwards], *, merged_as: str) -> Iterator[str]:
    """Yield what became of a request that is done with; ``merged_as`` is the commit, empty when it was closed."""
    yield f"Merged as {code(merged_as[:10])}." if merged_as else "Closed, and not merged."
    for each in sorted(afterwards, key=lambda each: each.name):
        if merged_as or each.became is not Became.NOTHING:
            yield f"{code(each.name)} {_became(each)}."


def _became(one: Afterwards) -> str:
    match one.became:
        case Became.NOTHING:
            return "is not applied yet"
        case Became.BEGUN:
            return f"is being applied since {_when(one)}"
        case Became.FAILED:
            return f"was applied {_when(one)} and failed"
        case Became.APPLIED:
            shown = "as shown here" if one.as_shown else "by another plan than the one shown here"
            return f"was applied {_when(one)}, {shown}"


def _when(one: Afterwards) -> str:
    at = f"{one.at:%Y-%m-%d %H:%M} UTC" if one.at else ""
    name = one.who.partition(" <")[0]  # an address is not for everybody who reads this
    run = f" ([run]({one.ci_run}))" if ADDRESS.fullmatch(one.ci_run) else ""
    return f"{at} by {code(name)}{run}"

"""What a plan puts at risk, as the lines that stand before everything else of it."""

from collections.abc import Iterator

from orchestrator.plans.change import Risk
from orchestrator.plans.plan import Plan
from orchestrator.plans.risk import AtRisk, at_risk, named
from orchestrator.reports.folding import wrapped

_MOST_NAMED = 5


def risk_lines(plan: Plan) -> Iterator[str]:
    """Yield lines for what is deleted or replaced, the worst first; nothing when nothing is.

    What loses data is named whole, since each has to be acknowledged by its name.
    """
    found = at_risk(plan)
    by_risk = {risk: [one for one in found if one.risk is risk] for risk in Risk}
    lost = by_risk[Risk.DATA_LOSS]
    if lost:
        verb = "loses" if len(lost) == 1 else "lose"
        yield from _listed(f"  ! {len(lost)} {verb} data: ", named(lost, found))
    if plan.destroy:  # what can be made again is what a destruction is for
        return
    made_again = by_risk[Risk.RECREATED]
    if made_again:
        yield from _listed(f"    {len(made_again)} can be made again: ", _some(made_again, found))
    if by_risk[Risk.REVERSIBLE]:
        number = len(by_risk[Risk.REVERSIBLE])
        yield f"    {number} {'is' if number == 1 else 'are'} reversible"


def _some(chosen: list[AtRisk], found: tuple[AtRisk, ...]) -> tuple[str, ...]:
    names = named(chosen[:_MOST_NAMED], found)
    more = len(chosen) - len(names)
    return (*names, f"and {more} more") if more else names


def _listed(start: str, names: tuple[str, ...]) -> list[str]:
    return wrapped(", ".join(names), first=start, rest=" " * 6)

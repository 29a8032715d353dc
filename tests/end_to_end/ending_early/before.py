"""What there was before something befell a run, and what has to be when the next one is done."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tests.end_to_end.ending_early.sides import Sides
from tests.end_to_end.stacks import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What there was before some trouble, which has to be as it was afterwards."""

    sides: Sides
    entries: list[Mapping[str, Json]]
    done: list[str]
    jobs: dict[str, str]

    @classmethod
    def of(cls, sides: Sides) -> "Before":
        """Look at it."""
        return cls(
            sides=sides,
            entries=sides.place.entries(),
            done=sides.points.done(),
            jobs=sides.jobs(),
        )

    def assert_settled(self, number: int) -> None:
        """Check that all is as a number has it, that nothing was done twice or is orphaned, and all is recorded."""
        sides, ledger = self.sides, self.sides.place.ledger
        sides.assert_is(number)
        counted = Counter(sides.points.done()[len(self.done) :])
        assert set(counted.values()) <= {1}, counted
        jobs = sides.jobs()
        assert {
            name: jobs[name] for name in jobs.keys() & self.jobs.keys()
        }.items() <= self.jobs.items()
        last = ledger.records()[-1]
        assert sides.place.entries()[: len(self.entries)] == self.entries
        assert last.state["open"] is None
        assert {each["name"] for each in last.state["inventory"]} == sides.objects()
        assert not ledger.locked()
        assert sides.world.left_behind() == []

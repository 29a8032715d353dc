"""Lines of the log that strangers can bring about: each at most once a minute, so that nobody fills the log."""

from dataclasses import dataclass, field

from orchestrator import clock, log
from orchestrator.agent.decisions.quieting import Quiet, complained


@dataclass(slots=True)
class Complaints:
    """What was complained of lately; used by one thread."""

    _lately: dict[tuple[str, str], Quiet] = field(default_factory=dict)

    def tell(self, phrase: str, repository: str, why: str) -> None:
        """Log that something of a repository was refused; ``unsaid`` is how often that was so and not logged."""
        about = (phrase, repository)
        self._lately[about], unsaid = complained(self._lately.get(about), clock.lasting())
        if unsaid is not None:
            more = {"unsaid": unsaid} if unsaid else {}
            log.trouble(phrase, repository=repository, why=why, **more)

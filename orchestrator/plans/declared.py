"""What a revision declares: stacks in environments, and what tells whether anything of one changed. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A stack in an environment as a revision declares it.

    ``content`` is the same at two revisions only when the stack is made of the same; it is empty where nobody can
    tell. ``mistakes`` are those of its file, which may declare more than it seems to then. ``trouble`` is why its file
    cannot be read, and empty otherwise; then ``environment`` may be empty too.
    """

    stack: str
    environment: str
    content: str = ""
    mistakes: str = ""
    trouble: str = ""

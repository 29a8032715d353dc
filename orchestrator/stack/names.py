"""Names: which ones may be given, and which one a person probably meant."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 40
_MOST_LISTED = 12
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][-A-Za-z0-9_]*")


def did_you_mean(wrong: str, names: Iterable[str], *, otherwise: str = "") -> str:
    """Return the hint that names what ``wrong`` is nearest to, or lists what there is, or ``otherwise``."""
    known = sorted(set(names))
    near = nearest(wrong, known)
    if near:
        return f"did you mean {near!r}?"
    if known and len(known) <= _MOST_LISTED:
        return f"known here: {', '.join(known)}"
    return otherwise


def nearest(wrong: str, names: Iterable[str]) -> str:
    """Return the name that ``wrong`` probably is a misspelling of, or an empty text."""
    known = sorted(set(names))
    near = get_close_matches(wrong, known, n=1, cutoff=0.6) or _same_letters(wrong, known)
    return near[0] if near else ""


def label_problem(name: str) -> str:
    """Return what is wrong with the name of a stack, an environment or a unit, or an empty text.

    The names stand in Git refs, file names and Kubernetes labels, so they are like those of DNS.
    """
    if len(name) > _LONGEST:
        return f"a name has at most {_LONGEST} characters, this one has {len(name)}"
    return (
        ""
        if _LABEL.fullmatch(name)
        else "a name has lower-case letters, digits and '-' only, not at its ends"
    )


def variable_problem(name: str) -> str:
    """Return what is wrong with the name of a variable, or an empty text; expressions have to read it."""
    if _VARIABLE.fullmatch(name):
        return ""
    return "a variable's name has letters, digits, '_' and '-' only, and does not start with a digit or '-'"


def suggest_label(name: str) -> str:
    """Return the nearest name that would be allowed, or an empty text."""
    near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST].strip("-")
    return near if near != name else ""


def _same_letters(wrong: str, known: list[str]) -> list[str]:
    def bare(name: str) -> str:
        return re.sub(r"[^a-z0-9]", "", name.lower())

    return [name for name in known if bare(name) == bare(wrong)][:1]

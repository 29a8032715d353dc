"""Names that a piece of Terraform's language gives to something of its own: the variables of `for`; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.infrastructure.reading.hcl import Token, Unreadable

ROOTS: Final = frozenset({"var", "local", "data", "module", "ephemeral"})
"""What most things are read from; as the name of something else it is easily mistaken."""

_LONGEST: Final = len(("for", "key", ",", "value", "in"))
_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(slots=True, kw_only=True)
class _Bracket:
    """An open bracket: the names that a `for` behind it binds, and whether these are in force yet."""

    names: frozenset[str] = _NOTHING
    in_force: bool = False
    choices: int = 0


def bound_names(found: Sequence[Token], written: Sequence[str]) -> list[frozenset[str]]:
    """Return, for each token, the names that a `for` around it binds, given what each token reads.

    Raises Unreadable where a root such as `var` is bound in another way, by a directive of a template or as the
    iterator of a dynamic block: how far that reaches is not looked into.
    """
    if "for" not in written and "iterator" not in written:
        return [_NOTHING] * len(found)
    bound: list[frozenset[str]] = []
    around: list[_Bracket] = []
    for index, token in enumerate(found):
        bound.append(_in_force(around))
        if token.kind == "open":
            around.append(_Bracket(names=_names_of_for(_after_newlines(found, written, index + 1))))
        elif token.kind == "close":
            around = around[:-1]
        elif around and around[-1].names:
            _enter(around[-1], written[index])
        _refuse_others(found, written, index)
    return bound


def _in_force(around: Sequence[_Bracket]) -> frozenset[str]:
    return _NOTHING.union(*(bracket.names for bracket in around if bracket.in_force))


def _enter(bracket: _Bracket, written: str) -> None:
    """Notice the colon behind the collection of a `for`; one of a choice in the collection is another."""
    if written == "?":
        bracket.choices += 1
    elif written == ":" and bracket.choices:
        bracket.choices -= 1
    elif written == ":":
        bracket.in_force = True


def _after_newlines(found: Sequence[Token], written: Sequence[str], start: int) -> list[str]:
    """Return what the next tokens read that may begin a `for`."""
    following: list[str] = []
    for index in range(start, len(found)):
        if len(following) == _LONGEST:
            break
        if found[index].kind != "newline":
            following.append(written[index])
    return following


def _names_of_for(following: Sequence[str]) -> frozenset[str]:
    match following:
        case ["for", name, "in", *_]:
            return frozenset({name})
        case ["for", key, ",", value, "in"]:
            return frozenset({key, value})
        case _:
            return _NOTHING


def _refuse_others(found: Sequence[Token], written: Sequence[str], index: int) -> None:
    if written[index] == "for" and not _begins_bracket(found, index):
        if _names_of_for(written[index : index + _LONGEST]) & ROOTS:
            raise Unreadable
    elif written[index : index + 2] == ["iterator", "="]:
        named = written[index + 2 : index + 3]
        if ROOTS.issuperset(named) and named and written[index + 3 : index + 4] != ["."]:
            raise Unreadable


def _begins_bracket(found: Sequence[Token], index: int) -> bool:
    before = index - 1
    while before >= 0 and found[before].kind == "newline":
        before -= 1
    return before >= 0 and found[before].kind == "open"

"""What is secret in objects: finding it, learning it for redaction, and hashing what is left."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

from orchestrator.plans.redaction import Secrets
from orchestrator.stack.expressions import Path, Pending, Tree
from orchestrator.stack.model import Json
from orchestrator.workloads.live import SET_BY_THE_SERVER, Live, mapping
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.masks import Masks, values_at
from orchestrator.workloads.ownership import LAST_APPLIED, MARKS, masks_in

_OF_A_SECRET: Final[frozenset[Path]] = frozenset(
    {
        ("data",),
        ("stringData",),
        # kubectl keeps a copy of everything there
        ("metadata", "annotations", LAST_APPLIED),
    }
)


def secret_in(item: WantedObject) -> frozenset[Path]:
    """Return the paths at and below which all is secret: marked outputs, and a Secret's data."""
    return item.sensitive | (_OF_A_SECRET if item.group_kind == ("", "Secret") else frozenset())


def learn_wanted(objects: Iterable[WantedObject], secrets: Secrets) -> None:
    """Learn every secret value that the objects hold, and their names, which stand in Git, as none."""
    found = tuple(objects)
    _learn(((item.value, secret_in(item)) for item in found), secrets)
    secrets.spare([item.ref for item in found if item.ref and not _has_secret_name(item)])


def _has_secret_name(item: WantedObject) -> bool:
    return any(
        path[:1] == ("metadata",) and path[1:2] != ("annotations",) for path in item.sensitive
    )


def learn_live(objects: Iterable[Live], secrets: Secrets) -> None:
    """Learn what is secret among live objects, since a former value is secret too: of Secrets, and what was masked."""
    _learn(((_unmarked(live), paths) for live in objects if (paths := _secret_live(live))), secrets)


def _secret_live(live: Live) -> Masks:
    masks = masks_in(live)
    is_secret = (live.get("apiVersion"), live.get("kind")) == ("v1", "Secret")
    return masks | _OF_A_SECRET if is_secret else masks


def _unmarked(live: Live) -> Mapping[str, Tree]:
    """Return an object without what we and the server add to it: no words that are to be looked for."""
    metadata = {
        key: {name: item for name, item in value.items() if name not in MARKS}
        if isinstance(value, dict)
        else value
        for key, value in mapping(live, "metadata").items()
        if key not in SET_BY_THE_SERVER
    }
    return cast("Mapping[str, Tree]", {**live, "metadata": metadata})


def fingerprint_of(items: Iterable[WantedObject]) -> str:
    """Return a hash of what is wanted, without its secrets: a hash of a short one would give it away."""
    content = [hidden(item) for item in items]
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def hidden(item: WantedObject) -> Json:
    """Return an object with words in the place of its secrets, and of what is pending."""
    secret = secret_in(item)
    if not (secret or item.pending):
        return cast("dict[str, Json]", item.value)
    return _without_secrets(dict(item.value), secret)


def _learn(
    values: Iterable[tuple[Mapping[str, Tree], frozenset[Path] | Masks]], secrets: Secrets
) -> None:
    found: list[Json] = []
    for value, paths in values:
        for path in paths:
            for tree in values_at(dict(value), path):
                for text in _texts(tree):
                    found += [text, *_decoded(text)]
    secrets.learn(found)


def _texts(tree: Tree) -> Iterator[str]:
    match tree:
        case dict():
            for item in tree.values():
                yield from _texts(item)
        case list():
            for item in tree:
                yield from _texts(item)
        case str():
            yield tree
        case bool() | Pending() | None:
            return
        case int() | float():
            yield str(tree)


def _decoded(text: str) -> tuple[str, ...]:
    """Return the text that base64 stands for, if it is that: a Secret's data is, in several lines too.

    Servers keep it as one line, which is the second text then.
    """
    joined = text.replace("\n", "").replace("\r", "")
    try:
        decoded = base64.b64decode(joined, validate=True).decode()
    except ValueError:
        return ()
    return (decoded,) if joined == text else (decoded, joined)


def _without_secrets(tree: Tree, secret: frozenset[Path]) -> Json:
    if () in secret:
        return _named(tree)
    match tree:
        case Pending():
            return f"(pending: {', '.join(tree.references)})"
        case dict():
            return {key: _without_secrets(item, _below(secret, key)) for key, item in tree.items()}
        case list():
            return [
                _without_secrets(item, _below(secret, index)) for index, item in enumerate(tree)
            ]
        case _:
            return tree


def _named(tree: Tree) -> Json:
    """Return what is secret without its values: names are none, and tell which values there are."""
    if isinstance(tree, dict):
        return {key: _named(item) for key, item in tree.items()}
    return "(sensitive)"


def _below(secret: frozenset[Path], key: str | int) -> frozenset[Path]:
    return frozenset(path[1:] for path in secret if path[0] == key)

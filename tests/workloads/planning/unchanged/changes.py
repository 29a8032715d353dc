"""What happens to a manifest between two applies: every small change that could be overlooked."""

import copy
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Manifest = dict[str, Any]
Path = tuple[str | int, ...]

_KEPT = frozenset({"apiVersion", "kind", "status"})
_SPELLED = {
    "100m": "0.1",
    "250m": "0.25",
    "1": 1,
    "2": "2000m",
    "64Mi": "65536Ki",
    "1Gi": "1024Mi",
    "500m": 0.5,
}


def changed(manifest: Manifest, live: Manifest, rng: Random) -> Manifest:
    """Return a copy with one to three small changes, some of which copy what the server has made of it."""
    result = copy.deepcopy(manifest)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        path = rng.choice([path for path in _paths(result) if path] or [("data",)])
        rng.choice(_CHANGES)(result, path, live, rng)
    return result


def _paths(node: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(node, dict):
        for key, item in node.items():
            if len(path) > 1 or key not in (*_KEPT, "name", "namespace"):
                yield from _paths(item, (*path, key))
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from _paths(item, (*path, index))


def at(node: Any, path: Path) -> Any:
    """Return what is at a path, or None."""
    for step in path:
        match node, step:
            case dict(), str() if step in node:
                node = node[step]
            case list(), int() if step < len(node):
                node = node[step]
            case _:
                return None
    return node


def hollowed(manifest: Manifest, rng: Random) -> Manifest:
    """Return a copy in which one map or list is empty, or null."""
    result = copy.deepcopy(manifest)
    filled = [
        path for path in _paths(result) if path[:1] not in {(), ("metadata",)} and at(result, path)
    ]
    paths = [path for path in filled if isinstance(at(result, path), dict | list)]
    if paths:
        _put(result, path := rng.choice(paths), rng.choice((type(at(result, path))(), None)))
    return result


def respelled(manifest: Manifest) -> Manifest:
    """Return a copy in which every text that may be an amount is written in another way."""
    result = copy.deepcopy(manifest)
    for path in [*_paths(result)]:
        if path[:1] != ("metadata",):
            _respell(result, path, {}, Random(0))
    return result


def reordered(manifest: Manifest) -> Manifest:
    """Return a copy in which every list is the other way round."""
    return {key: _the_other_way_round(item) for key, item in manifest.items()}


def _the_other_way_round(node: Any) -> Any:
    match node:
        case dict():
            return {key: _the_other_way_round(item) for key, item in node.items()}
        case list():
            return [_the_other_way_round(item) for item in reversed(node)]
        case _:
            return node


def _put(node: Any, path: Path, value: Any) -> None:
    parent = at(node, path[:-1])
    if parent is not None:
        parent[path[-1]] = value


def _drop(node: Any, path: Path, _: Manifest, __: Random) -> None:
    parent = at(node, path[:-1])
    if path not in {("metadata",), ("metadata", "labels"), ("metadata", "annotations")} and parent:
        del parent[path[-1]]


def _empty(node: Any, path: Path, _: Manifest, rng: Random) -> None:
    if path == ("metadata",):
        return
    match at(node, path):
        case dict():
            _put(node, path, {})
        case list():
            _put(node, path, [])
        case _:
            _put(node, path, rng.choice((None, "", 0, False)))


def _nothing(node: Any, path: Path, _: Manifest, __: Random) -> None:
    if path != ("metadata",):
        _put(node, path, None)


def _shuffle(node: Any, path: Path, _: Manifest, rng: Random) -> None:
    for length in range(len(path), 0, -1):
        found = at(node, path[:length])
        if isinstance(found, list):
            rng.shuffle(found)
            return


def _twice(node: Any, path: Path, _: Manifest, rng: Random) -> None:
    found = at(node, path)
    if isinstance(found, list) and found:
        found.append(copy.deepcopy(rng.choice(found)))


def _retype(node: Any, path: Path, _: Manifest, rng: Random) -> None:
    found = at(node, path)
    match found:
        case bool():
            _put(node, path, rng.choice((str(found).lower(), int(found))))
        case int() | float():
            _put(node, path, rng.choice((str(found), float(found))))
        case str() if found.isdigit():
            _put(node, path, int(found))
        case _:
            return


def _respell(node: Any, path: Path, _: Manifest, __: Random) -> None:
    found = at(node, path)
    if isinstance(found, str) and found in _SPELLED:
        _put(node, path, _SPELLED[found])


def _tweak(node: Any, path: Path, _: Manifest, rng: Random) -> None:
    found = at(node, path)
    if isinstance(found, str):
        _put(node, path, found + rng.choice(("x", " ", "\n", "é")))
    elif isinstance(found, int) and not isinstance(found, bool):
        _put(node, path, found + 1)


def _add(node: Any, path: Path, _: Manifest, rng: Random) -> None:
    found = at(node, path)
    if isinstance(found, dict):
        found[rng.choice(("alpha", "web", "extra"))] = rng.choice(("one", "", {}, [], None))
    elif isinstance(found, list):
        found.append(rng.choice(("one", {"name": "extra"}, {"port": 99})))


def _restate(node: Any, path: Path, live: Manifest, _: Random) -> None:
    """Say what is live already, which the manifest had left to others or to the server."""
    found = at(live, path)
    if found is not None and path[0] in {"spec", "data", "rules"}:
        _put(node, path, copy.deepcopy(found))


def _restate_one(node: Any, path: Path, live: Manifest, rng: Random) -> None:
    here, there = at(node, path), at(live, path)
    if isinstance(here, dict) and isinstance(there, dict) and path[0] == "spec":
        for key in rng.sample(sorted(there), min(len(there), 1)):
            here[key] = copy.deepcopy(there[key])


def _leave_out_key(node: Any, path: Path, _: Manifest, __: Random) -> None:
    found = at(node, path)
    if isinstance(found, dict):
        found.pop("protocol", None)


_CHANGES: tuple[Callable[[Any, Path, Manifest, Random], None], ...] = (
    _drop,
    _drop,
    _empty,
    _empty,
    _nothing,
    _shuffle,
    _shuffle,
    _twice,
    _retype,
    _respell,
    _respell,
    _tweak,
    _add,
    _restate,
    _restate,
    _restate_one,
    _restate_one,
    _leave_out_key,
)

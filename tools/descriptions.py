"""Take the part of a forge's OpenAPI description that we use: ``python -m tools.descriptions github|gitea FILE``.

FILE is what the forge publishes: GitHub's ``generated/api.github.com.json`` of the npm package ``@octokit/openapi``,
Gitea's ``swagger.v1.json``, which a server answers with. Of GitHub's, published examples of answers are kept, too.
The result is one of ``tests/forges/descriptions/``, against which tests hold what is said to a forge and by it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

Json = Any

_FOLDER: Final = Path(__file__).resolve().parent.parent / "tests" / "forges" / "descriptions"
_OWNED: Final = "/repos/{owner}/{repo}"
# What we ask for, by forge: paths with the methods that are used.
_USED: Final = {
    "github": {
        "/user": ("get",),
        f"{_OWNED}/pulls": ("get",),
        f"{_OWNED}/pulls/{{pull_number}}": ("get",),
        f"{_OWNED}/commits/{{commit_sha}}/pulls": ("get",),
        f"{_OWNED}/issues/{{issue_number}}/comments": ("get", "post"),
        f"{_OWNED}/issues/comments/{{comment_id}}": ("get", "patch", "delete"),
        f"{_OWNED}/statuses/{{sha}}": ("post",),
        f"{_OWNED}/commits/{{ref}}/statuses": ("get",),
    },
    "gitea": {
        "/user": ("get",),
        f"{_OWNED}/pulls": ("get",),
        f"{_OWNED}/pulls/{{index}}": ("get",),
        f"{_OWNED}/commits/{{sha}}/pull": ("get",),
        f"{_OWNED}/issues/{{index}}/comments": ("get", "post"),
        f"{_OWNED}/issues/comments/{{id}}": ("get", "patch", "delete"),
        f"{_OWNED}/statuses/{{sha}}": ("get", "post"),
    },
}
_SOURCES: Final = {
    "github": ("GitHub's OpenAPI description of its REST API (npm @octokit/openapi 23.0.2)", "MIT"),
    "gitea": ("the swagger.v1.json that Gitea 1.26.0 answers with", "MIT"),
}
_EXAMPLES: Final = (
    "pull-request",
    "pull-request-simple-items",
    "issue-comment",
    "status",
    "private-user",
)
_NULL: Final = frozenset({"date-time", "array", "merge_commit_sha"})
_WORDS: Final = frozenset(
    {"description", "summary", "tags", "externalDocs", "x-github", "example", "title", "headers"}
)


def main(forge: str, file: str) -> int:
    """Write the part that is used, and return the exit code."""
    whole = json.loads(Path(file).read_text(encoding="utf-8"))
    text = json.dumps(excerpt(forge, whole), indent=1, sort_keys=True)
    (_FOLDER / f"{forge}.json").write_text(f"{text}\n", encoding="utf-8")
    return 0


def excerpt(forge: str, whole: Json) -> Json:
    """Return the part of a forge's description that is used, with where it comes from. Pure."""
    source, licence = _SOURCES[forge]
    kept: Json = {"source": f"{source}, its paths and fields alone", "licence": licence}
    kept["document"] = _part(whole, _USED[forge])
    if forge == "github":
        published = whole["components"]["examples"]
        kept["examples"] = {name: published[name]["value"] for name in _EXAMPLES}
    else:
        _mend_gitea(kept)
    return kept


def _mend_gitea(kept: Json) -> None:
    """Say what a server does and its description does not."""
    definitions = kept["document"]["definitions"]
    for found in definitions.values():
        fields = found.get("properties", {})
        for name, field in fields.items():
            if "$ref" in field:
                fields[name] = {"allOf": [field], "x-nullable": True}
            elif _NULL & {field.get("format"), field.get("type"), name}:
                field["x-nullable"] = True
    definitions["User"]["properties"]["username"] = {"type": "string"}
    kept["mended"] = [
        "what there may be none of is null: objects, lists, times, the commit of a merge",
        "an account has its login as username, too",
    ]


def _part(whole: Json, used: dict[str, tuple[str, ...]]) -> Json:
    """Return the operations that are used, and all that they refer to."""
    paths = {
        path: {
            method: _without_words({**operation, "parameters": [*_parameters(found, operation)]})
            for method, operation in found.items()
            if method in methods
        }
        for path, methods in used.items()
        for found in [whole["paths"][path]]
    }
    made: Json = {"paths": paths}
    waiting = [*_references(paths)]
    while waiting:
        steps = waiting.pop().removeprefix("#/").split("/")
        place, target = made, whole
        for step in steps[:-1]:
            place, target = place.setdefault(step, {}), target[step]
        if steps[-1] not in place:
            place[steps[-1]] = _without_words(target[steps[-1]])
            waiting += _references(place[steps[-1]])
    return made


def _parameters(found: Json, operation: Json) -> Iterator[Json]:
    """Yield the parameters of an operation, with those of its whole path."""
    yield from found.get("parameters", [])
    yield from operation.get("parameters", [])


def _references(value: Json) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "$ref" and isinstance(each, str):
                yield each
            else:
                yield from _references(each)


def _without_words(value: Json, *, names: bool = False) -> Json:
    """Return a part of a description without what it says to people; ``names`` are those of fields, and stay."""
    if isinstance(value, list):
        return [_without_words(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_words(each, names=key == "properties")
        for key, each in value.items()
        if names or key not in _WORDS | {"examples"}
    }


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""The scripts of a pipeline as its forge runs them: the shell, the variables, and expressions put in their places."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.end_to_end.commands import Ended

Json = Any
ROOT: Final = Path(__file__).resolve().parents[2]

_EXPRESSION: Final = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_SHELL: Final = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a workflow or action: what it runs, with the variables and in the folder that it names."""

    run: str
    variables: Mapping[str, str]
    directory: str


def read(file: str) -> Json:
    """Return a recipe as YAML 1.2 has it, in which ``on`` is no boolean."""
    return yaml.load((ROOT / file).read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  a safe one


def steps(found: Sequence[Json], values: Mapping[str, str]) -> Iterator[Step]:
    """Yield the steps that run something; ``values`` are those of all expressions, by their text.

    Raises KeyError for an expression without a value.
    """
    for each in found:
        if "run" in each:
            yield Step(
                run=each["run"],
                variables={
                    name: _filled(text, values) for name, text in each.get("env", {}).items()
                },
                directory=_filled(each.get("working-directory", "."), values),
            )


def run(scripts: Sequence[Step], directory: Path, variables: Mapping[str, str]) -> Ended:
    """Run steps one after the other, as a forge does: the first that fails ends it."""
    done = Ended(code=0, stdout="", stderr="")
    for each in scripts:
        ended = subprocess.run(
            (*_SHELL, each.run),
            cwd=directory / each.directory,
            env={**os.environ, **variables, **each.variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        stdout, stderr = done.stdout + ended.stdout, done.stderr + ended.stderr
        done = Ended(code=ended.returncode, stdout=stdout, stderr=stderr)
        if done.code:
            break
    return done


def expressions(text: str) -> list[str]:
    """Return the expressions in a text."""
    return _EXPRESSION.findall(text)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _EXPRESSION.sub(lambda found: values[found.group(1)], str(text))


class _Loader(yaml.SafeLoader):
    """Reads words as words."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag != "tag:yaml.org,2002:bool" or first in "tTfF"
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

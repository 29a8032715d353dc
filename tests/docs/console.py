"""Console examples: the commands in them, running them as a page shows them, and comparing what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import Block

_PROMPT = "$ "
_MARK = "\x1e"
_ANYTHING = "..."
# What differs from run to run, and what a page shows for it; longer ones first.
_VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?Z?"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? s\b"), "SECONDS"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b"), "ID"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command of an example and what the page shows below it."""

    block: Block
    command: str
    shown: str

    @property
    def asks_for_the_code(self) -> bool:
        """Whether it shows how the command before it ended."""
        return self.command == "echo $?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a step ended."""

    code: int
    stdout: str
    stderr: str


def steps(block: Block) -> tuple[Step, ...]:
    """Return the commands of a console block."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith(_PROMPT):
            found.append((line.removeprefix(_PROMPT), []))
        elif found and found[-1][0].endswith("\\"):
            found[-1] = (f"{found[-1][0]}\n{line}", [])
        elif found:
            found[-1][1].append(line)
    return tuple(
        Step(block=block, command=command, shown="\n".join(shown)) for command, shown in found
    )


def run(
    page: Iterable[Block], directory: Path, variables: Mapping[str, str]
) -> list[tuple[Step, Ended]]:
    """Run the marked examples of a page one after the other, in one shell; return how each step ended.

    A block marked ``file`` is written to the path that its first line names.
    """
    script: list[str] = []
    told: list[Step] = []
    for block in page:
        if "file" in block.marks:
            script.append(_written(block))
        elif "run" in block.marks:
            for step in steps(block):
                script.append(_scripted(step, len(told)))
                told.append(step)
    done = subprocess.run(
        ("bash", "-c", "\n".join(script)),
        cwd=directory,
        env={**variables, "ERRORS": str(directory.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    outputs = done.stdout.split(_MARK)[1:]
    assert len(outputs) == len(told), done.stdout + done.stderr
    endings = (_ended(output, directory, index) for index, output in enumerate(outputs))
    return list(zip(told, endings, strict=True))


def matches(step: Step, ended: Ended) -> bool:
    """Whether a command said what the page shows; blanks and what varies are not compared."""
    if not step.shown.strip():
        return True
    said = ended.stdout if ended.code == 0 else ended.stdout + ended.stderr
    pieces = (_plain(piece) for piece in step.shown.split(_ANYTHING))
    return re.fullmatch(".*".join(map(re.escape, pieces)), _plain(said), re.DOTALL) is not None


def environment(home: Path, sandbox: Path) -> dict[str, str]:
    """Return the environment of somebody who tries the examples on a plain machine."""
    identity = (
        "[user]\nname = Ada Lovelace\nemail = ada@example.org\n[init]\ndefaultBranch = main\n"
    )
    (home / ".gitconfig").write_text(identity, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not _changes_much(name)}
    return {
        **kept,
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ORCHESTRATOR_SANDBOX": str(sandbox),
        "ORCHESTRATOR_CACHE": os.environ.get("ORCHESTRATOR_CACHE")
        or str(Path.home() / ".cache" / "orchestrator"),
    }


def _changes_much(name: str) -> bool:
    return name.startswith(("TF_", "GIT_", "CI", "KUBE", "GITHUB_", "GITLAB_"))


def _written(block: Block) -> str:
    path = block.text.splitlines()[0].removeprefix("#").strip()
    return f"mkdir -p $(dirname {path}) && cat > {path} <<'END OF FILE'\n{block.text}END OF FILE"


def _scripted(step: Step, index: int) -> str:
    """Return the lines that run a step: a mark, its output, its exit code; stderr goes to a file."""
    return "\n".join(
        (
            f"printf '{_MARK}'",
            "(exit ${__code:-0})",
            "{",
            step.command,
            f'}} 2> "$ERRORS/stderr-{index}"',
            "__code=$?",
            "printf '\\n%s' $__code",
        )
    )


def _ended(output: str, directory: Path, index: int) -> Ended:
    stdout, _, code = output.rpartition("\n")
    stderr = (directory.parent / f"stderr-{index}").read_text(encoding="utf-8")
    return Ended(code=int(code), stdout=stdout, stderr=stderr)


def _plain(text: str) -> str:
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return " ".join(text.split())

"""A repository of its own that holds copies of the example stacks, and the command run in it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_ORCHESTRATOR = str(Path(sys.executable).with_name("orchestrator"))
_AUTHOR = ("-c", "user.name=Someone", "-c", "user.email=someone@example.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, and all that it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Return both streams."""
        return self.stdout + self.stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A clean checkout, and the environment in which commands run."""

    root: Path
    environment: Mapping[str, str]

    def orchestrator(self, *arguments: str, **variables: str) -> Ended:
        """Run the command as a person or a pipeline does, with further variables in its environment."""
        ended = subprocess.run(
            (_ORCHESTRATOR, *arguments),
            cwd=self.root,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ended(code=ended.returncode, stdout=ended.stdout, stderr=ended.stderr)


def check_out(
    root: Path, stack: str, environment: Mapping[str, str], *, namespace: str = "shop"
) -> Checkout:
    """Commit a copy of one of the example stacks to a new repository.

    ``namespace`` takes the place of the stack's own, where it has one: tests share a control plane.
    """
    copy = root / "stacks" / stack
    shutil.copytree(ROOT / "stacks" / stack, copy, ignore=shutil.ignore_patterns(".terraform"))
    shutil.copy(ROOT / "orchestrator.yaml", root)
    file = copy / "stack.yaml"
    text = file.read_text().replace("\n  namespace: shop\n", f"\n  namespace: {namespace}\n")
    assert f"namespace: {namespace}\n" in text or "namespace:" not in text
    file.write_text(text)
    for command in (
        ("init", "--quiet"),
        ("add", "."),
        (*_AUTHOR, "commit", "--quiet", "-m", "Add a shop"),
    ):
        subprocess.run(("git", *command), cwd=root, check=True, stdin=subprocess.DEVNULL)
    return Checkout(root=root, environment=environment)

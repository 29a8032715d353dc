"""The small commented stack that ``orchestrator init`` writes; ``starter/`` beside this file is the original."""

import re
from pathlib import Path
from typing import Final

from orchestrator.errors import UsageError
from orchestrator.stack.names import label_problem, suggest_label

_STARTER: Final = Path(__file__).with_name("starter")
_NAME: Final = re.compile(r"\bstarter\b")


def write_stack(root: Path, name: str) -> tuple[str, ...]:
    """Write a new stack into ``stacks/NAME`` under ``root``, and return the paths of its files.

    Raises UsageError when the name cannot be one, or something is there already: nothing is overwritten.
    """
    problem = label_problem(name)
    if problem:
        near = suggest_label(name)
        hint = f"did you mean {near!r}?" if near else ""
        raise UsageError(f"{name!r} cannot be a name: {problem}", hint=hint)
    directory = root / "stacks" / name
    if directory.exists():
        hint = "choose another name, or remove it first"
        raise UsageError(f"stacks/{name} is there already", hint=hint)
    return tuple(_write(original, directory, name) for original in _originals())


def _originals() -> list[Path]:
    return sorted(path.relative_to(_STARTER) for path in _STARTER.rglob("*") if path.is_file())


def _write(original: Path, directory: Path, name: str) -> str:
    path = directory / original
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (_STARTER / original).read_text(encoding="utf-8")
    path.write_text(_NAME.sub(name, text), encoding="utf-8")
    return f"stacks/{name}/{original.as_posix()}"

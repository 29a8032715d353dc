"""The stack that ``init`` writes."""

from pathlib import Path

import pytest

from orchestrator.errors import UsageError
from orchestrator.stack.graph import build_graph
from orchestrator.stack.load import choose_stack, load_project, load_stack
from orchestrator.stack.template import write_stack
from orchestrator.stack.yaml import parse


def test_a_new_stack_is_valid_and_bears_its_name(tmp_path: Path) -> None:
    """Every file is written, and the stack loads as it is."""
    files = write_stack(tmp_path, "my-app")
    assert files == (
        "stacks/my-app/manifests/web.yaml",
        "stacks/my-app/modules/settings/main.tf",
        "stacks/my-app/stack.yaml",
    )
    project = load_project(tmp_path)
    stack = load_stack(tmp_path, choose_stack(tmp_path, project, "my-app"), None, project)
    assert stack.cluster.sandbox
    assert build_graph(stack, {}).order == ("modules.settings", "manifests.web")
    assert not any("starter" in (tmp_path / file).read_text(encoding="utf-8") for file in files)


def test_what_is_commented_out_is_valid_too(tmp_path: Path) -> None:
    """Whoever removes the comment signs gets a stack that loads."""
    write_stack(tmp_path, "app")
    file = tmp_path / "stacks/app/stack.yaml"
    lines = file.read_text(encoding="utf-8").splitlines()
    start = lines.index("version: 1")
    opened = [
        *lines[:start],
        *(
            line.replace("# ", "", 1) if line.strip().startswith("# ") and ":" in line else line
            for line in lines[start:]
        ),
    ]
    assert len(parse("\n".join(opened), "stack.yaml")) == 1
    file.write_text("\n".join(line for line in opened if "[other]" not in line), encoding="utf-8")
    project = load_project(tmp_path)
    stack = load_stack(tmp_path, choose_stack(tmp_path, project, "app"), "production", project)
    assert (stack.vars["replicas"], stack.state.backend) == (6, "s3")
    assert (stack.modules[0].protect, stack.manifests[0].wait.timeout) == (True, 600.0)


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        (
            "My App",
            "'My App' cannot be a name: a name has lower-case letters, digits and '-' only, not at its ends",
            "did you mean 'my-app'?",
        ),
        (
            "../x",
            "'../x' cannot be a name: a name has lower-case letters, digits and '-' only, not at its ends",
            "did you mean 'x'?",
        ),
        ("taken", "stacks/taken is there already", "choose another name, or remove it first"),
    ],
)
def test_nothing_is_overwritten_and_no_path_is_a_name(
    tmp_path: Path, name: str, message: str, hint: str
) -> None:
    """A name that cannot be one is refused before anything is written."""
    (tmp_path / "stacks/taken").mkdir(parents=True)
    with pytest.raises(UsageError) as caught:
        write_stack(tmp_path, name)
    assert (caught.value.message, caught.value.hint) == (message, hint)
    assert [path.name for path in (tmp_path / "stacks").rglob("*")] == ["taken"]

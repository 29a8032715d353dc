"""Every YAML example is one: the product's own loader takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.agent.configuration.load import load_configuration
from orchestrator.settings import Settings
from orchestrator.stack.load import StackFile, load_project
from orchestrator.stack.model import ManifestSet, Stack
from orchestrator.stack.project import Project
from orchestrator.stack.yaml import parse
from orchestrator.workloads.manifests.documents import read_documents, references_of
from tests.docs.pages import ROOT, Block, every_block
from tests.stack.stack_files import load_environments

_HEAD = "version: 1\nname: example\n"
_FILE = "stacks/example/stack.yaml"
_BLOCKS = every_block("yaml")


def _named(block: Block) -> str:
    """Return the file that the first line of an example names, or nothing."""
    first = block.text.splitlines()[0]
    return (
        first.removeprefix("# ")
        if first.startswith("# ") and first.endswith((".yaml", ".yml"))
        else ""
    )


def _of(kind: str) -> list[Block]:
    return [block for block in _BLOCKS if _kind(block) == kind]


def _kind(block: Block) -> str:
    name = _named(block)
    if name.endswith("orchestrator.yaml"):
        return "project"
    if name.endswith("agent.yaml"):
        return "agent"
    if name.startswith((".github/", ".gitlab-ci", ".pre-commit")):
        return "pipeline"
    return "manifest" if "\nkind: " in f"\n{block.text}" else "stack"


def _load(root: Path, block: Block) -> tuple[Stack, ...]:
    """Load an example, with the directories that it names made up around it."""
    text = block.text if "version: 1\n" in block.text else _HEAD + block.text
    file = root / _FILE
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    value = parse(text, _FILE)[0].value
    modules = value.get("modules") if isinstance(value, dict) else None
    for module in modules.values() if isinstance(modules, dict) else ():
        source = module.get("source") if isinstance(module, dict) else None
        if isinstance(source, str) and source.startswith("."):
            directory = file.parent / source
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "main.tf").touch()
    return load_environments(root, StackFile(name="example", file=_FILE), Project())


@pytest.mark.parametrize("block", _of("stack"), ids=lambda block: block.title)
def test_a_stack_file_is_valid(block: Block, tmp_path: Path) -> None:
    """A stack file, or a part of one, is taken as it stands, in all of its environments."""
    assert _load(tmp_path, block)


@pytest.mark.parametrize("block", _of("project"), ids=lambda block: block.title)
def test_settings_of_a_repository_are_valid(block: Block, tmp_path: Path) -> None:
    """An orchestrator.yaml is taken as it stands."""
    (tmp_path / "orchestrator.yaml").write_text(block.text, encoding="utf-8")
    assert load_project(tmp_path) != Project()


@pytest.mark.parametrize("block", _of("agent"), ids=lambda block: block.title)
def test_a_file_of_the_agent_is_valid(block: Block, tmp_path: Path) -> None:
    """The agent's own file is taken as it stands."""
    (tmp_path / "agent.yaml").write_text(block.text, encoding="utf-8")
    assert load_configuration(tmp_path / "agent.yaml", Settings.read()).repositories


@pytest.mark.parametrize("block", _of("manifest"), ids=lambda block: block.title)
def test_manifests_are_valid(block: Block, tmp_path: Path) -> None:
    """Manifests have kinds and names, and expressions that can be read."""
    (tmp_path / "manifests.yaml").write_text(block.text, encoding="utf-8")
    documents = read_documents(tmp_path, ManifestSet(name="example", path="manifests.yaml"), ".")
    assert documents
    references_of(documents)


@pytest.mark.parametrize("block", _of("pipeline"), ids=lambda block: block.title)
def test_a_pipeline_is_yaml(block: Block) -> None:
    """What another program reads is YAML at least; its calls of ours are checked with all others."""
    assert isinstance(parse(block.text, "pipeline.yaml")[0].value, dict)


_PLACES = {
    "vars": 'vars: {first: "%s"}',
    "state.config": 'state: {backend: gcs, config: {prefix: "${{ unit }}%s"}}',
    "cluster": 'cluster: {context: "%s"}',
    "modules.NAME.inputs": 'modules: {a: {source: ./a}, b: {source: ./b, inputs: {x: "%s"}}}',
    "manifests.NAME.namespace": 'manifests: {b: {path: b, namespace: "%s"}}',
}
_PATHS = {
    "`vars`": "vars.name",
    "`modules`": "modules.a.output",
    "`stack`, `environment`": "stack",
    "`unit`": "unit",
    "`revision`": "revision",
}


def _table() -> list[tuple[str, str, bool]]:
    """Return place, path and whether the reference says that the path can be read there."""
    lines = (ROOT / "docs" / "stack-file.md").read_text(encoding="utf-8").splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("| place |"))
    heading = [cell.strip() for cell in lines[start].strip("|").split("|")][1:]
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        place, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        pairs = zip(heading, cells, strict=True)
        found += [(place.strip("`"), column, cell == "yes") for column, cell in pairs]
    return [entry for entry in found if entry[0] in _PLACES]


@pytest.mark.parametrize(("place", "column", "readable"), _table())
def test_an_expression_can_read_what_the_reference_says(
    place: str,
    column: str,
    readable: bool,  # noqa: FBT001 - pytest hands it over by name
    tmp_path: Path,
) -> None:
    """The table of places and paths is what loading does."""
    written = _PLACES[place] % ("${{ " + _PATHS[column] + " }}")
    head = _HEAD if place == "vars" else f"{_HEAD}vars: {{name: shop}}\n"
    more = "" if "modules:" in written else "modules: {a: {source: ./a}}\n"
    text = f"{head}{more}{written}\n"
    block = Block(page="", line=0, language="yaml", marks=(), text=text)
    try:
        _load(tmp_path, block)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        mistakes = getattr(error, "mistakes", ())
        assert not readable, [mistake.message for mistake in mistakes]
        assert "cannot be read here" in " ".join(mistake.message for mistake in mistakes)
    else:
        assert readable

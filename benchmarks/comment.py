"""A comment on a request beside the plan that it shows, and one touched stack of many beside that stack alone.

The forge is a small one on this machine, so that what is measured is ours. Both sides plan the same commit, the
merge: ours in a clone that stands at the base, the plan alone in a worktree that has it checked out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.measuring import Bench, Limit, Row, take_turns
from benchmarks.objects import NAMESPACE, write_objects
from benchmarks.profiling import explain
from benchmarks.running import Command
from benchmarks.stages import commit, fresh_sandbox, orchestrator
from orchestrator.sandbox import Sandbox
from tests.forges.served import NUMBER, REPOSITORY, TOKEN, Served, serving
from tests.forges.small_forges import SmallGitHub

_OBJECTS, _MODULES, _CHANGES = 1_000, 10, 3
_STACKS, _TOUCHED = 50, "stack-07"
_PROJECT = "ledger: {remote: false}\n"
_MODULE = """\
variable "text" { type = string }

resource "terraform_data" "this" {
  input = var.text
}
"""
_BIG = """\
version: 1
name: big
cluster: {{sandbox: true}}
modules:
{modules}
manifests:
  objects: {{path: objects, namespace: {namespace}, wait: false}}
"""
_SMALL = """\
version: 1
name: {name}
cluster: {{sandbox: true}}
modules:
  text: {{source: ../../modules/text, inputs: {{text: {name}}}}}
manifests:
  texts: {{path: texts.yaml, namespace: default}}
"""
_CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}}}
data: {{text: "{text}", length: "${{{{ modules.text.text }}}}"}}
"""


def rows(bench: Bench) -> Iterator[Row]:
    """Yield two rows: a comment for a big stack, and what one touched stack of many costs."""
    with fresh_sandbox(bench.directory / "sandbox") as sandbox:
        yield from _big(bench, sandbox)
        yield _one_of_many(bench, sandbox)


def _big(bench: Bench, sandbox: Sandbox) -> Iterator[Row]:
    request = _Request(directory=bench.directory / "big", sandbox=sandbox)
    _write_big(request.base, changed=0)
    request.begin("big")
    _write_big(request.base, changed=_CHANGES)
    forge = SmallGitHub(head=request.propose())
    with serving(forge):
        ours = partial(_commented, request, forge)
        samples, raw = take_turns(bench.rounds, ours, request.planned("big").run)
        yield Row(
            name=f"orchestrator comment, {_OBJECTS:,} objects and {_MODULES} modules, {_CHANGES} changes",
            ours=samples,
            raw=raw,
            raw_name="orchestrator plan of the same commit",
            limit=Limit(ratio=1, plus=1.0),
            explain=partial(_explained, request, forge),
        )


def _one_of_many(bench: Bench, sandbox: Sandbox) -> Row:
    request = _Request(directory=bench.directory / "many", sandbox=sandbox)
    _write_many(request.base, "before")
    request.begin(_TOUCHED)
    _write_many(request.base, "after")
    head = request.propose()
    ours = orchestrator(request.base, sandbox, "preview", "--base", "main", "--head", head)
    samples, raw = take_turns(bench.rounds, ours.run, request.planned(_TOUCHED).run)
    return Row(
        name=f"orchestrator preview, 1 of {_STACKS} stacks touched",
        ours=samples,
        raw=raw,
        raw_name="orchestrator plan of that stack",
        limit=Limit(ratio=1.3),
        explain=partial(explain, ours),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A repository with a remote, a request in it, and a second clone in which the merge is checked out."""

    directory: Path
    sandbox: Sandbox

    @property
    def base(self) -> Path:
        """Return the clone that stands at the base."""
        return self.directory / "base"

    @property
    def remote(self) -> Path:
        """Return the bare repository."""
        return self.directory / "remote.git"

    def begin(self, stack: str) -> None:
        """Commit what there is as the base, and apply a stack of it."""
        commit(self.base, "Begin")
        self._git("branch", "--force", "main")
        self._git("checkout", "-q", "main")
        orchestrator(self.base, self.sandbox, "apply", stack, "--yes").run()
        self._git("clone", "-q", "--bare", ".", str(self.remote))
        self._git("remote", "add", "origin", str(self.remote))

    def propose(self) -> str:
        """Commit what was changed as the head of a request, and return it; the base is checked out again."""
        self._git("checkout", "-q", "-b", "change")
        commit(self.base, "Change")
        self._git("push", "-q", "origin", f"HEAD:refs/pull/{NUMBER}/head")
        self._git("worktree", "add", "-q", "--detach", str(self.directory / "merged"), "change")
        self._git("checkout", "-q", "main")
        return self._git("rev-parse", "change").strip()

    def planned(self, stack: str) -> Command:
        """Return a run that plans the merge of a request that is up to date, which is the request itself."""
        return orchestrator(self.directory / "merged", self.sandbox, "plan", stack)

    def comment(self, forge: Served) -> Command:
        """Return a run that comments as a workflow does."""
        command = orchestrator(
            *(self.base, self.sandbox, "comment", "--forge=github", f"--api={forge.api}"),
            *(f"--repository={REPOSITORY}", f"--request={NUMBER}"),
        )
        variables = {**command.variables, "ORCHESTRATOR_FORGE_TOKEN": TOKEN}
        return Command(argv=command.argv, directory=command.directory, variables=variables)

    def _git(self, *arguments: str) -> str:
        return Command(argv=("git", *arguments), directory=self.base).run()


def _commented(request: _Request, forge: Served) -> None:
    """Comment as the first run for a request does."""
    forge.notes.clear()
    request.comment(forge).run()


def _explained(request: _Request, forge: Served) -> tuple[str, ...]:
    return explain(request.comment(forge))


def _write_big(checkout: Path, *, changed: int) -> None:
    """Write a stack of many objects and some modules; of the changes, one is a module's and the others objects'."""
    stack = checkout / "stacks" / "big"
    modules = [
        f"  m{number}: {{source: ./module, inputs: {{text: {'new' if changed and not number else 'old'}}}}}"
        for number in range(_MODULES)
    ]
    _write(checkout / "orchestrator.yaml", _PROJECT)
    _write(stack / "module" / "main.tf", _MODULE)
    _write(stack / "stack.yaml", _BIG.format(modules="\n".join(modules), namespace=NAMESPACE))
    write_objects(stack / "objects", _OBJECTS, changed=max(changed - 1, 0))


def _write_many(checkout: Path, text: str) -> None:
    """Write many small stacks that share a module; the text is that of the touched one."""
    _write(checkout / "orchestrator.yaml", _PROJECT)
    _write(
        checkout / "modules" / "text" / "main.tf",
        f'{_MODULE}\noutput "text" {{ value = terraform_data.this.output }}\n',
    )
    for number in range(_STACKS):
        name = f"stack-{number:02}"
        stack = checkout / "stacks" / name
        _write(stack / "stack.yaml", _SMALL.format(name=name))
        said = text if name == _TOUCHED else "as it was"
        _write(stack / "texts.yaml", _CONFIG_MAP.format(name=name, text=said))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")

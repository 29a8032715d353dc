"""A small shop in a repository of its own, the command run in it, and the proof that nothing changed.

A test spoils one thing, commits it and runs the command; ``refused`` compares everything that is said with a
file of ``messages/`` and what is there afterwards with what was there before. To read them after a change,
write them anew with ``ORCHESTRATOR_WRITE_MESSAGES=1 pytest tests/end_to_end/bad_input`` and look at ``git diff``.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.end_to_end.commands import Ended, Running
from tests.forked.command import Forks
from tests.git import git

STACK = "stacks/shop/stack.yaml"
NETWORK = "stacks/shop/modules/network/main.tf"
SETTINGS = "stacks/shop/web/settings.yaml"
"""The files that tests spoil."""

_MESSAGES = Path(__file__).with_name("messages")
_WRITE = "ORCHESTRATOR_WRITE_MESSAGES" in os.environ
_PATIENCE_SECONDS = 60

# What a run may leave in `.orchestrator`: copies and plug-ins that it would make again.
_KEPT = re.compile(
    r"\.gitignore|(trees|units|sources|state|manifests)/.*|ledgers/.*/(place\.json|seen\.json|guard)"
)
_PROGRESS = re.compile(r"^(plan:|  (modules|manifests)\.\w+: (plann|Finding ).*)\n", re.MULTILINE)
_NEVER_KEPT = re.compile(r".*(\.tfvars\.json|\.tfplan|\.jsonl|/backend\.json|\.partial.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A checkout below ``home``, which is also what the command takes for the user's home.

    ``program`` is what runs the command, where it is not just started. ``names`` maps texts that differ from run
    to run, such as an address, to what messages show for them.
    """

    home: Path
    forks: Forks
    program: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """Return the checkout."""
        return self.home / "checkout"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a person at a terminal of a plain machine."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "temporary"),
            "ORCHESTRATOR_CACHE": str(self.home / "cache"),
            "ORCHESTRATOR_SANDBOX": str(self.home / "never-started"),
            "GIT_CONFIG_NOSYSTEM": "1",
            **self.variables,
        }

    def write(self, file: str, text: str) -> None:
        """Write a file of the checkout."""
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that stands once in a file."""
        text = (self.root / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        self.write(file, text.replace(old, new))

    def without_workloads(self) -> None:
        """Leave the manifests out of the stack, so that it needs no cluster."""
        self._leave_out("manifests:", "")
        self.commit()

    def without_modules(self) -> None:
        """Leave the modules out of the stack, which take their time."""
        self._leave_out("modules:", "manifests:")
        self.edit(SETTINGS, "  database: ${{ modules.database.address }}\n", "")
        self.commit()

    def _leave_out(self, first: str, until: str) -> None:
        text = (self.root / STACK).read_text(encoding="utf-8")
        start = text.index(first)
        self.write(STACK, text[:start] + (text[text.index(until) :] if until else ""))

    def commit(self) -> None:
        """Commit everything."""
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--allow-empty", "--message", "Change the shop")

    def run(self, *arguments: str, stdin: str = "") -> Ended:
        """Run the command as a person in the checkout does, with nobody at the keyboard."""
        if not self.program:
            return self._forked(*arguments, stdin=stdin)
        done = subprocess.run(
            (*self.program, *arguments),
            cwd=self.root,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
        )
        return Ended(code=done.returncode, stdout=done.stdout, stderr=done.stderr)

    def _forked(self, *arguments: str, stdin: str) -> Ended:
        command = self.forks.start(
            *arguments, directory=self.root, environment=self.environment, stdin=stdin
        )
        return Running(process=command).end()

    def refused(self, message: str, *arguments: str, code: int = 1) -> Ended:
        """Run a command that fails: it says what the file ``message`` holds, and changes nothing."""
        before = self.everything()
        ended = self.run(*arguments)
        told = self._told(arguments, ended)
        assert "Traceback" not in told, told
        _compare(_MESSAGES / f"{message}.txt", told)
        assert ended.code == code, told
        changed = _changes(before, self.everything())
        assert not changed, f"these changed: {changed}"
        self._assert_nothing_left()
        return ended

    def everything(self) -> dict[str, str]:
        """Return what must not change: working tree, branches, ledger, index and Terraform's states."""
        found = {file: _fingerprint(self.root / file) for file in _files(self.root, skip=".git")}
        kept = {file: it for file, it in found.items() if not file.startswith(".orchestrator/")}
        states = {file: it for file, it in found.items() if file.startswith(".orchestrator/state/")}
        if (self.root / ".git").exists():
            kept["refs"] = git(self.root, "for-each-ref")
            kept["index"] = git(self.root, "ls-files", "--stage")
        return {**kept, **states}

    def _told(self, arguments: tuple[str, ...], ended: Ended) -> str:
        parts = [f"$ orchestrator {' '.join(arguments)}", ended.stdout, ended.stderr]
        told = "\n".join(part.rstrip("\n") for part in parts if part)
        return f"{self._normalised(told)}\n[{ended.code}]\n"

    def _normalised(self, text: str) -> str:
        for found, shown in {str(self.root): "CHECKOUT", str(self.home): "HOME"}.items():
            text = text.replace(found, shown)
        for found, shown in self.names.items():
            text = text.replace(found, shown)
        text = re.sub(r"(erraform (?:version )?)\d+\.\d+\.\d+", r"\1X.Y.Z", text)
        text = re.sub(r"\b[0-9a-f]{10,40}\b", "HASH", text)
        return _PROGRESS.sub("", text)

    def _assert_nothing_left(self) -> None:
        private = self.root / ".orchestrator"
        left = [
            file
            for file in _files(private)
            if not _KEPT.fullmatch(file) or _NEVER_KEPT.fullmatch(file)
        ]
        left += _files(self.home / "temporary")
        assert not left, f"these were left: {left}"
        assert not (self.home / "never-started").exists(), "a sandbox was started"
        running = _processes(str(self.home))
        assert not running, f"these still run: {running}"


def make_shop(home: Path, forks: Forks) -> Shop:
    """Make the shop, committed: two modules and a set of manifests, the second fed by the first."""
    shop = Shop(home=home, forks=forks)
    (home / "temporary").mkdir(parents=True)
    shop.root.mkdir()
    (home / ".gitconfig").write_text("[user]\nname = Ada Lovelace\nemail = ada@example.org\n")
    for file, text in _FILES.items():
        shop.write(file, text)
    git(shop.root, "init", "--quiet", "--initial-branch=main")
    shop.commit()
    return shop


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def _compare(file: Path, told: str) -> None:
    if _WRITE:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(told, encoding="utf-8")
    assert told == file.read_text(encoding="utf-8")


def _files(folder: Path, *, skip: str = "") -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if inside.parts[0] != skip and (path.is_symlink() or not path.is_dir()):
            yield inside.as_posix()


def _fingerprint(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    return f"{path.stat().st_mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def _processes(home: str) -> list[str]:
    """Return the processes that work below a folder or were started from there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            texts = ((process / name).read_bytes().decode() for name in ("cmdline", "environ"))
            if home in str((process / "cwd").readlink()) or any(home in text for text in texts):
                found.append((process / "cmdline").read_text())
        except (OSError, UnicodeDecodeError):  # ended meanwhile, or somebody else's
            continue
    return found


_FILES = {
    "orchestrator.yaml": """\
terraform: {binary: embedded}
""",
    STACK: """\
version: 1
name: shop
vars:
  replicas: 2
cluster: {sandbox: true}
modules:
  network:
    source: ./modules/network
    inputs:
      cidr: 10.20.0.0/16
  database:
    source: ./modules/database
    inputs:
      subnet: ${{ modules.network.subnet }}
manifests:
  web:
    path: web
""",
    NETWORK: """\
variable "cidr" {
  type = string

  validation {
    condition     = can(cidrsubnet(var.cidr, 8, 0))
    error_message = "The range must be a CIDR block such as 10.20.0.0/16."
  }
}

resource "terraform_data" "network" {
  input = var.cidr
}

output "subnet" {
  value = cidrsubnet(var.cidr, 8, 1)
}
""",
    "stacks/shop/modules/database/main.tf": """\
variable "subnet" {
  type = string
}

resource "terraform_data" "database" {
  input = var.subnet
}

output "address" {
  value = "database.${var.subnet}"
}
""",
    SETTINGS: """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  size: ${{ vars.replicas }} replicas
  database: ${{ modules.database.address }}
""",
}

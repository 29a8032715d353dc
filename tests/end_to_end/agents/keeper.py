"""An agent that keeps the stack of a world equal to a remote, and what it says."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.end_to_end.commands import Ended, Running
from tests.end_to_end.world import World
from tests.git import git, make_remote


@dataclass(slots=True, kw_only=True)
class Keeper:
    """An agent with a directory of its own, and the remote that it watches."""

    world: World
    remote: Path
    home: Path
    running: Running | None = None

    def tell(self, **more: Any) -> None:
        """Write the agent's file; ``repository`` is over what it says of the one that it watches."""
        repository = {"url": self.remote.as_uri(), "poll": "200ms", **more.pop("repository", {})}
        told = {
            "version": 1,
            "name": "keeper",
            "directory": "agent",
            "retry": {"first": "300ms", "most": "2s"},
            "repositories": {"shop": repository},
            **more,
        }
        (self.home / "agent.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")

    def push(self, subject: str = "Change the stack") -> str:
        """Commit all there is and push it; return the commit."""
        commit = self.world.commit(subject)
        git(self.world.root, "push", "--quiet", "--force", "origin", "main")
        return commit

    def once(self, *arguments: str, **variables: str) -> Ended:
        """Have the agent do what is due."""
        return self.world.run("agent", "--once", *arguments, directory=self.home, **variables)

    def start(self, **variables: str) -> Running:
        """Start the agent."""
        self.running = self.world.start("agent", directory=self.home, **variables)
        return self.running

    def ledger(self) -> list[str]:
        """Return the subjects of the ledger's entries on the remote, newest first."""
        ref = f"refs/orchestrator/{self.world.name}/default"
        if not git(self.remote, "for-each-ref", ref):
            return []
        subjects = git(self.remote, "log", "--first-parent", "--format=%s", ref).splitlines()
        return [each for each in subjects if f"{self.world.name}/default" in each]

    def locks(self) -> str:
        """Return the locks that are held on the remote."""
        return git(self.remote, "for-each-ref", "refs/orchestrator-lock")

    def applied(self, commit: str) -> bool:
        """Whether the ledger says that a commit was applied with success."""
        newest = (self.ledger() or [""])[0]
        return commit[:10] in newest and not newest.endswith(("to create", "to update"))


def keeper_of(world: World, home: Path) -> Keeper:
    """Return an agent of a world whose repository has a commit."""
    home.mkdir()
    remote = make_remote(home.parent / "remote.git", of=world.root)
    keeper = Keeper(world=world, remote=remote, home=home)
    keeper.tell()
    return keeper


def told(ended: Ended, event: str) -> list[dict[str, Any]]:
    """Return what an agent's log has of a phrase."""
    lines = [json.loads(line) for line in ended.stderr.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]

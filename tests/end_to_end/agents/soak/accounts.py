"""What is held against a scene at its end: the ledgers, what people see who do not know us, and who grew."""

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.kubectl import find_kubectl
from orchestrator.infrastructure.binary import find_binary
from orchestrator.settings import Settings
from orchestrator.stack.model import Terraform
from tests.end_to_end.agents.soak.replicas import Sample
from tests.end_to_end.agents.soak.scene import Scene
from tests.end_to_end.ending_early.ledgers import InGit
from tests.git import git

_MEMORY_MIB, _HANDLES, _THREADS = 12.0, 8, 4
"""How much more a replica may take in its last third than in the third before, for chance's sake."""


def assert_accounted(scene: Scene) -> Counter[str]:
    """Check every ledger: whole, no run open, never backwards, nothing twice, and up to the last change.

    Return how the runs ended.
    """
    ends: Counter[str] = Counter()
    for name in scene.fleet.stacks:
        ends += _assert_accounted(scene, name)
    return ends


def _assert_accounted(scene: Scene, name: str) -> Counter[str]:
    fleet = scene.fleet
    records = InGit(root=scene.remote, name=name).records()
    assert records[-1].state["open"] is None, name
    runs: dict[str, list[Any]] = {}
    for record in records:
        runs.setdefault(record.entry["run"]["id"], []).append(record.entry)
    told = [(each[-1]["run"]["revision"]["commit"], each[-1]) for each in runs.values()]
    # What could not say how it ended, since Git was away, is known by its intent; whoever came next settled that.
    assert told[-1][1]["kind"] == "finished", f"{name}: its last run has no end"
    order = [fleet.commits.index(commit) for commit, _ in told]
    # A run that found all as it was, and could not say so, had no intent, and says it after what others did since.
    late = [each[0].get("late", False) for each in runs.values()]
    ends = {each[-1].get("outcome") for each in runs.values() if each[0].get("late")}
    assert ends <= {"unchanged"}, f"{name}: what was told late was {ends}"
    forth = [at for at, again in zip(order, late, strict=True) if not again]
    assert forth == sorted(forth), f"{name} went back: {order}, of which late: {late}"
    done = Counter(commit for commit, last in told if last.get("outcome") == "applied")
    most = max(done.values(), default=0)
    assert most <= 1 + fleet.drifts.get(name, 0), f"{name}: {most} times one revision"
    last = max(index for index, (_, entry) in zip(order, told, strict=True) if _well(entry))
    assert _tree(fleet.root, fleet.commits[last], name) == _tree(fleet.root, "HEAD", name), name
    return Counter(
        "told late" if each[0].get("late") else each[-1].get("outcome") or "settled by the next"
        for each in runs.values()
    )


def _well(entry: Any) -> bool:
    return entry.get("outcome") in {"applied", "unchanged"}


def _tree(root: Path, commit: str, name: str) -> str:
    return git(root, "rev-parse", f"{commit}:stacks/{name}")


def assert_seen_by_others(scene: Scene, folder: Path) -> None:
    """Ask kubectl what the cluster has, and Terraform what each state has."""
    program = shutil.which("kubectl") or str(find_kubectl(Settings.read()))
    argv = (program, f"--kubeconfig={scene.sandbox.kubeconfig}", f"--cache-dir={folder / 'cache'}")
    items = json.loads(_said(*argv, "get", "configmaps,deployments", "-A", "--output=json"))[
        "items"
    ]
    found: Counter[tuple[str, str, str]] = Counter()
    for each in items:
        head = each["metadata"]
        if head["namespace"] in scene.fleet.stacks and head["name"] != "kube-root-ca.crt":
            data = each.get("data", {}).get("text")
            image = data or each["spec"]["template"]["spec"]["containers"][0]["image"]
            found[head["namespace"], f"{each['kind']}/{head['name']}", image] += 1
    meant = {
        (name, *each) for name, stack in scene.fleet.stacks.items() for each in stack.live().items()
    }
    assert set(found) == meant
    engine = find_binary(Terraform(), Settings.read(), folder).argv
    for name, text in scene.modules().items():
        file = folder / "looked-at.tfstate"
        file.write_bytes(scene.states.states[f"/{name}/modules.echo"])
        told = json.loads(_said(*engine, "output", "-json", f"-state={file}", cwd=folder))
        assert told["kept"]["value"] == text


def _said(*argv: str, cwd: Path | None = None) -> str:
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=True).stdout


def assert_no_growth(samples: list[Sample]) -> None:
    """Check that one process takes no more in its last third than in the third before."""
    third = len(samples) // 3
    before, after = samples[third : 2 * third], samples[2 * third :]
    for what, more in (("memory", _MEMORY_MIB), ("handles", _HANDLES), ("threads", _THREADS)):
        then, now = (median(getattr(each, what) for each in part) for part in (before, after))
        assert now <= then + more, f"{what} grew from {then} to {now}"


def shown(samples: list[Sample]) -> str:
    """Return what a process took, at its beginning, over all, and at its end."""
    third = len(samples) // 3
    parts = []
    for what in ("memory", "handles", "threads", "processes"):
        found = [getattr(each, what) for each in samples]
        first, middle, last = found[:third], found[third : 2 * third], found[2 * third :]
        told = "/".join(f"{median(part):.0f}" for part in (first, middle, last))
        parts.append(f"{what} {told}, most {max(found):.0f}")
    return "; ".join(parts)

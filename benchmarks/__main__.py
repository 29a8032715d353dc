"""Run the benchmarks: ``python -m benchmarks [--rounds N] [--publish] [NAME …]``.

The table goes to stdout, every sample to ``.orchestrator/benchmarks/COMMIT.json``, and to docs/ if asked. The exit
code is 1 when a limit was missed; then the table is followed by where the time went. What could not be measured on
this machine is named at the end, and in what is kept.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.measuring import Bench, Row
from benchmarks.running import ROOT, Command, Failed, NotHere
from benchmarks.table import document, render, to_json
from orchestrator.repository.repository import open_repository

# Each has a function `rows(bench)`. What is new gets a module, and a line here.
MODULES = (
    "start",
    "plan",
    "ledger",
    "comment",
    "workloads",
    "many",
    "installed",
    "agent",
    "terraform",
    "aws",
)
_FEWEST_ROUNDS = 5
_PUBLISHED = ROOT / "docs" / "benchmarks.json"


def main() -> int:
    """Measure what was asked for, show it, keep it, and return the exit code."""
    asked = _arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):  # like Ctrl-C: what was started is ended
        signal.signal(number, signal.default_int_handler)
    runs: dict[str, _Run] = {}
    try:
        for name in asked.names or MODULES:
            runs[name] = _measured(name, asked.rounds)
            _keep(name, runs[name], publish=asked.publish)  # whatever becomes of the others
    except Failed as failure:
        sys.stderr.write(f"{failure}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: what was measured before is kept\n")
        return 130
    _show(runs)
    return 0 if all(row.met for run in runs.values() for row, _ in run.explained) else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One benchmark: its rows, with where the time went for those that missed, and what was left out and why."""

    explained: tuple[tuple[Row, tuple[str, ...]], ...]
    left_out: str


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure beside the raw tools."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which of {', '.join(MODULES)}; all by default"
    )
    parser.add_argument(
        "--rounds", type=int, default=_FEWEST_ROUNDS, help="samples of each (default: %(default)s)"
    )
    parser.add_argument(
        "--publish", action="store_true", help="keep the results in docs/, too, over earlier ones"
    )
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(MODULES):
        parser.error(
            f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(MODULES)}"
        )
    if asked.rounds < _FEWEST_ROUNDS:
        parser.error(f"a median of fewer than {_FEWEST_ROUNDS} samples says little")
    return asked


def _measured(name: str, rounds: int) -> _Run:
    sys.stderr.write(f"measuring: {name}\n")
    explained: list[tuple[Row, tuple[str, ...]]] = []
    left_out = ""
    with tempfile.TemporaryDirectory(prefix="orchestrator-bench-") as directory:
        bench = Bench(rounds=rounds, directory=Path(directory))
        try:
            explained.extend(  # asked while what a row was measured on still stands
                (row, () if row.met else row.explain())
                for row in import_module(f"benchmarks.{name}").rows(bench)
            )
        except NotHere as missing:
            left_out = str(missing)
            sys.stderr.write(f"NOT MEASURED: {name}: {left_out}\n")
    return _Run(explained=tuple(explained), left_out=left_out)


def _show(runs: Mapping[str, _Run]) -> None:
    explained = [pair for run in runs.values() for pair in run.explained]
    print(render([row for row, _ in explained]))
    print(f"\nevery sample: {_file(_commit())}")
    for row, reasons in explained:
        if not row.met:
            print(f"\n{row.name} missed its limit. Where the time goes:")
            print("\n".join(f"  {line}" for line in reasons))
    for name, run in runs.items():
        if run.left_out:
            print(f"\nNOT MEASURED: {name}: {run.left_out}")


def _keep(name: str, run: _Run, *, publish: bool) -> None:
    rows, left_out = [row for row, _ in run.explained], [run.left_out] if run.left_out else ()
    commit = _commit()
    kept = {name: to_json(rows, left_out, commit=commit, machine=describe_machine())}
    file = _file(commit)
    file.parent.mkdir(exist_ok=True)
    for target in (file, _PUBLISHED) if publish else (file,):
        before = json.loads(target.read_text(encoding="utf-8")) if target.exists() else None
        text = json.dumps(document(kept, order=MODULES, before=before), indent=2)
        target.write_text(f"{text}\n", encoding="utf-8")


def _commit() -> str:
    return Command(argv=("git", "rev-parse", "HEAD"), directory=ROOT).run().strip()


def _file(commit: str) -> Path:
    return open_repository(ROOT).folder / "benchmarks" / f"{commit[:10]}.json"


if __name__ == "__main__":
    sys.exit(main())

"""Run the benchmarks: ``python -m benchmarks [--rounds N] [--publish] [NAME …]``.

The table goes to stdout, every sample to ``.orchestrator/benchmarks/COMMIT.json``, and to docs/ if asked. The exit
code is 1 when a limit was missed; then the table is followed by where the time went. What could not be measured on
this machine is named at the end, and in what is kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.measuring import Bench, Row
from benchmarks.running import ROOT, Command, Failed, NotHere
from benchmarks.table import render, to_json
from orchestrator.repository.repository import open_repository

# Each has a function `rows(bench)`. What is new gets a module, and a line here.
MODULES = ("start", "plan", "workloads", "terraform", "aws")
_FEWEST_ROUNDS = 5
_PUBLISHED = ROOT / "docs" / "benchmarks.json"


def main() -> int:
    """Measure what was asked for, show it, keep it, and return the exit code."""
    asked = _arguments()
    left_out: list[str] = []
    try:
        measured = tuple(_measure(asked.names or MODULES, asked.rounds, left_out))
    except Failed as failure:
        sys.stderr.write(f"{failure}\n")
        return 2
    rows = [row for row, _ in measured]
    print(render(rows))
    print(f"\nevery sample: {_keep(rows, left_out, publish=asked.publish)}")
    for row, reasons in measured:
        if not row.met:
            print(f"\n{row.name} missed its limit. Where the time goes:")
            print("\n".join(f"  {line}" for line in reasons))
    for reason in left_out:
        print(f"\nNOT MEASURED: {reason}")
    return 0 if all(row.met for row in rows) else 1


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
        "--publish", action="store_true", help="keep the results of all of them in docs/, too"
    )
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(MODULES):
        parser.error(
            f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(MODULES)}"
        )
    if asked.publish and asked.names:
        parser.error("only a run of all benchmarks is published")
    if asked.rounds < _FEWEST_ROUNDS:
        parser.error(f"a median of fewer than {_FEWEST_ROUNDS} samples says little")
    return asked


def _measure(
    names: Sequence[str], rounds: int, left_out: list[str]
) -> Iterator[tuple[Row, tuple[str, ...]]]:
    for name in names:
        with tempfile.TemporaryDirectory(prefix="orchestrator-bench-") as directory:
            sys.stderr.write(f"measuring: {name}\n")
            bench = Bench(rounds=rounds, directory=Path(directory))
            try:
                for row in import_module(f"benchmarks.{name}").rows(bench):
                    # Asked here, while what the row was measured on still stands.
                    yield row, () if row.met else row.explain()
            except NotHere as missing:
                left_out.append(f"{name}: {missing}")
                sys.stderr.write(f"NOT MEASURED: {left_out[-1]}\n")


def _keep(rows: Sequence[Row], left_out: Sequence[str], *, publish: bool) -> Path:
    commit = Command(argv=("git", "rev-parse", "HEAD"), directory=ROOT).run().strip()
    document = to_json(rows, left_out, commit=commit, machine=describe_machine())
    text = json.dumps(document, indent=2) + "\n"
    file = open_repository(ROOT).folder / "benchmarks" / f"{commit[:10]}.json"
    file.parent.mkdir(exist_ok=True)
    for target in (file, _PUBLISHED) if publish else (file,):
        target.write_text(text, encoding="utf-8")
    return file


if __name__ == "__main__":
    sys.exit(main())

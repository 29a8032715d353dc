"""``plan`` of modules that only pretend, beside Terraform alone; and many modules that begin with nothing.

Terraform's own resources take no time, so that what is measured is what ours adds. Both sides are initialised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.initialising import cold_starts
from benchmarks.measuring import Bench, Limit, Row, take_turns
from benchmarks.modules import APPLY, NOTHING_TO_DO, PLAN, Modules, pretended
from benchmarks.profiling import explain

_MANY_RESOURCES = 200
_MODULES = 16
_RESOURCES = 10
_BESIDE = Limit(ratio=1.10, plus=0.4)


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the rows of one module, of sixteen with and without changes, and of sixteen that are new here."""
    one = _modules(bench, "one", count=1, resources=_MANY_RESOURCES)
    yield _row(
        bench,
        one,
        f"plan of a module, {_MANY_RESOURCES} resources to make",
        raw=one.show_raw,
        raw_name="terraform plan + show -json",
    )
    many = _modules(bench, "many", count=_MODULES, resources=_RESOURCES)
    yield _row(
        bench,
        many,
        f"plan of {_MODULES} modules, all to make",
        raw=many.show_raw,
        raw_name=f"{_MODULES} terraform plan + show -json",
    )
    many.ours(*APPLY).run()
    many.share_state()
    yield _row(
        bench,
        many,
        f"plan of {_MODULES} modules, nothing to do",
        arguments=NOTHING_TO_DO,
        raw=many.plan_raw,
        raw_name=f"{_MODULES} terraform plan",
    )
    yield from cold_starts(bench.directory / "cold", modules=_MODULES)


def _modules(bench: Bench, name: str, *, count: int, resources: int) -> Modules:
    modules = Modules(
        directory=bench.directory / name,
        names=[f"module{number:02d}" for number in range(count)],
        text=pretended(resources),
    )
    modules.write()
    modules.initialise_raw()
    return modules


def _row(
    bench: Bench,
    modules: Modules,
    name: str,
    *,
    arguments: tuple[str, ...] = PLAN,
    raw: Callable[[], None],
    raw_name: str,
) -> Row:
    command = modules.ours(*arguments)
    ours, theirs = take_turns(bench.rounds, command.run, raw)
    return Row(
        name=name,
        ours=ours,
        raw=theirs,
        raw_name=raw_name,
        limit=_BESIDE,
        explain=partial(explain, command),
    )

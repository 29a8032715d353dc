"""Modules of AWS against an emulated account, beside Terraform alone.

Almost all of the time is that of the provider, which is started three times for each plan; what ours can win or lose
is how many run at a time, and what it leaves out. These rows take minutes: they end early where they take too many.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.measuring import Bench, Limit, Row, rounds_within, take_turns
from benchmarks.modules import APPLY, NOTHING_TO_DO, PLAN, Modules
from benchmarks.profiling import explain
from benchmarks.running import Failed, NotHere, tell
from tests.stacks.aws import emulated_aws

_SECONDS = 900.0  # for each group of rows, after which no further round begins
_MODULES = 16
_BESIDE = Limit(ratio=1.10, plus=0.5)

_PROVIDER = """\
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.80" }
  }
}

provider "aws" {
  region            = "eu-central-1"
  s3_use_path_style = true
}

variable "name" { type = string }

resource "aws_vpc" "this" {
  cidr_block = "10.0.0.0/16"
  tags       = { Name = var.name }
}

resource "aws_security_group" "this" {
  name   = var.name
  vpc_id = aws_vpc.this.id
}

output "vpc" { value = aws_vpc.this.id }
"""
_SMALL = f"""\
{_PROVIDER}
resource "aws_subnet" "this" {{
  count      = 2
  vpc_id     = aws_vpc.this.id
  cidr_block = "10.0.${{count.index}}.0/24"
}}
"""
# Twenty resources.
_LARGE = f"""\
{_PROVIDER}
resource "aws_internet_gateway" "this" {{ vpc_id = aws_vpc.this.id }}

resource "aws_route_table" "this" {{
  vpc_id = aws_vpc.this.id
  route {{
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this.id
  }}
}}

resource "aws_subnet" "this" {{
  count      = 4
  vpc_id     = aws_vpc.this.id
  cidr_block = "10.0.${{count.index}}.0/24"
}}

resource "aws_route_table_association" "this" {{
  count          = 4
  subnet_id      = aws_subnet.this[count.index].id
  route_table_id = aws_route_table.this.id
}}

resource "aws_s3_bucket" "this" {{
  count  = 8
  bucket = "${{var.name}}-${{count.index}}"
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """An emulated account: how programs get there, and where it can be emptied."""

    address: str
    variables: Mapping[str, str]

    def empty(self) -> None:
        """Forget everything that was made in it."""
        host = urlsplit(self.address).netloc
        connection = HTTPConnection(host)
        connection.request("POST", "/moto-api/reset")
        connection.getresponse().read()
        connection.close()


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the rows of one module of twenty resources, then those of sixteen without changes.

    Raises NotHere where Terraform cannot get the provider.
    """
    with _account() as account:
        _need_provider(bench.directory, account)
        yield from _one(bench, account)
        yield from _many(bench, account)


def _one(bench: Bench, account: _Account) -> Iterator[Row]:
    samples = _Samples()
    for _ in rounds_within(_SECONDS, bench.rounds):
        with _fresh(bench.directory, account) as modules:
            samples.take("plan", modules.ours(*PLAN).run, modules.show_raw)
            samples.take(
                "apply", modules.ours(*APPLY).run, modules.apply_raw, between=account.empty
            )
        account.empty()
    for work, more in (("plan", ""), ("apply", " + apply")):
        yield Row(
            name=f"{work} of a module of AWS, 20 resources to make",
            ours=samples.of(work, "ours"),
            raw=samples.of(work, "raw"),
            raw_name=f"terraform plan + show -json{more}",
            limit=_BESIDE,
            explain=partial(_explained, bench.directory, account, work),
        )


def _many(bench: Bench, account: _Account) -> Iterator[Row]:
    modules = Modules(
        directory=bench.directory / "many",
        names=[f"module{number:02d}" for number in range(_MODULES)],
        text=_SMALL,
        variables=account.variables,
    )
    modules.write()
    modules.initialise_raw()
    modules.ours(*APPLY).run()
    modules.share_state()
    plan = modules.ours(*NOTHING_TO_DO)
    ours, raw = take_turns(bench.rounds, plan.run, modules.plan_raw, within=_SECONDS)
    name = f"plan of {_MODULES} modules of AWS, nothing to do"
    yield Row(
        name=name,
        ours=ours,
        raw=raw,
        raw_name=f"{_MODULES} terraform plan",
        limit=Limit(ratio=0.9),
        explain=partial(explain, plan),
    )
    again = modules.ours(*NOTHING_TO_DO, "--no-refresh")
    (without,) = take_turns(bench.rounds, again.run)
    yield Row(
        name=f"plan --no-refresh of {_MODULES} modules of AWS, nothing to do",
        ours=without,
        raw=ours,
        raw_name="the same, refreshed",
        limit=Limit(ratio=1 / 10),
        explain=partial(explain, again),
    )


class _Samples:
    """Seconds by work and side."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, str], list[float]] = {}

    def take(
        self,
        work: str,
        ours: Callable[[], object],
        raw: Callable[[], object],
        *,
        between: Callable[[], object] = lambda: None,
    ) -> None:
        """Run both sides once and keep how long each took."""
        for side, contestant in (("ours", ours), ("raw", raw)):
            between()
            began = time.perf_counter()
            contestant()
            taken = self._seconds.setdefault((work, side), [])
            taken.append(time.perf_counter() - began)

    def of(self, work: str, side: str) -> tuple[float, ...]:
        """Return the seconds of each round."""
        return tuple(self._seconds[work, side])


def _explained(directory: Path, account: _Account, work: str) -> tuple[str, ...]:
    account.empty()
    with _fresh(directory, account) as modules:
        return explain(modules.ours(*(PLAN if work == "plan" else APPLY)))


@contextmanager
def _fresh(directory: Path, account: _Account) -> Iterator[Modules]:
    """Make one module that is initialised for both sides and was never applied."""
    with tempfile.TemporaryDirectory(dir=directory) as own:
        modules = Modules(
            directory=Path(own), names=["module"], text=_LARGE, variables=account.variables
        )
        modules.write()
        modules.initialise_ours()
        modules.initialise_raw()
        yield modules


@contextmanager
def _account() -> Iterator[_Account]:
    """Emulate an account; whatever of AWS is set in the environment does not count."""
    with emulated_aws() as aws:
        emptied = {name: "" for name in os.environ if name.startswith("AWS_")}
        ours = {name: text for name, text in aws.environment.items() if name.startswith("AWS_")}
        yield _Account(address=aws.address, variables={**emptied, **ours})


def _need_provider(directory: Path, account: _Account) -> None:
    modules = Modules(
        directory=directory / "try", names=["module"], text=_PROVIDER, variables=account.variables
    )
    modules.write()
    tell("looking for the provider of AWS")
    try:
        modules.initialise_raw()
    except Failed as failure:
        message = f"Terraform cannot get the provider hashicorp/aws\n{failure}"
        raise NotHere(message) from failure

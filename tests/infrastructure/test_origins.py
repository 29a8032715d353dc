"""From where a provider is configured: what is not known yet is found however far away it is."""

import pytest

from orchestrator.infrastructure.shadow.origins import Modules, configured_from

_PROVIDER = 'provider "k" {\n  host = %s\n}\n'
_CALL = 'module "m" {\n  source = "./m"\n  given  = var.x\n  other  = 1\n}\n'


def _root(host: str, *more: str) -> dict[str, str]:
    return {"main.tf": "".join(['variable "x" {}\n', _PROVIDER % host, *more])}


@pytest.mark.parametrize(
    ("modules", "told"),
    [
        ({"": _root("var.x")}, "provider 'k' is configured from 'x'"),
        (
            {"": _root("local.a.c", 'locals {\n  a = local.b\n  b = { c = "${var.x}" }\n}\n')},
            "provider 'k' is configured from 'x'",
        ),
        (
            {
                "": _root(
                    "data.c.it.url", 'data "c" "it" {\n  name = local.n\n}\nlocals { n = var.x }\n'
                )
            },
            "provider 'k' is configured from 'x' through data.c.it",
        ),
        (
            {"": _root("data.c.it[0].url", 'data "c" "it" {\n  b { name = var.x }\n}\n')},
            "provider 'k' is configured from 'x' through data.c.it",
        ),
        (
            {
                "": _root("module.m.url", _CALL),
                "m": {"o.tf": 'variable "given" {}\noutput "url" { value = "h/${var.given}" }\n'},
            },
            "provider 'k' is configured from 'x' through module.m",
        ),
        (
            {"": _root("module.m.url", _CALL)},
            "provider 'k' is configured from 'x' through module.m",
        ),
        (
            {
                "": _root("module.m[0].url", _CALL),
                "m": {"o.tf": 'output "a" { value = var.given }\n'},
            },
            "provider 'k' is configured from 'x' through module.m",
        ),
        (
            {
                "": {"main.tf": f'variable "x" {{}}\n{_CALL}'},
                "m": {"p.tf": 'module "n" {\n  it = var.given\n}\n'},
                "m.n": {"p.tf": _PROVIDER % "var.it"},
            },
            "provider 'k' is configured from 'x'",
        ),
        (
            {
                "": {
                    "a.tf.json": '{"provider": {"k": [{"host": "${local.a.c}"}]}}',
                    "b.tf.json": '{"locals": {"a": "${data.c.it}"}, "data": {"c": {"it": {"n": "${var.x}"}}}}',
                }
            },
            "provider 'k' is configured from 'x' through data.c.it",
        ),
    ],
)
def test_a_provider_that_cannot_be_configured_yet(modules: Modules, told: str) -> None:
    """Through local values, data sources and called modules, in both syntaxes; modules that are not there count."""
    assert str(configured_from(modules, {"x"})) == told


@pytest.mark.parametrize(
    "modules",
    [
        {"": _root('"fixed"')},
        {"": _root("r.it.url", 'resource "r" "it" {\n  name = var.x\n}\n')},
        {"": _root("data.c.it.url", 'data "c" "it" {\n  name = r.it.id\n}\n')},
        {"": _root("module.m.url", _CALL), "m": {"o.tf": 'output "url" { value = var.other }\n'}},
        {"": {"main.tf": 'output "k" { value = var.x }\n'}},
    ],
)
def test_a_provider_that_is_configured_from_something_else(modules: Modules) -> None:
    """What a resource gives is unknown or not whatever the inputs are, and Terraform plans with that as ever."""
    assert configured_from(modules, {"x"}) is None


def test_what_is_read_of_the_world_late_configures_nothing_now() -> None:
    """When data sources wait, so does a provider that they configure."""
    modules = {"": _root("data.c.it.url", 'data "c" "it" {}\n')}
    told = "provider 'k' is configured from data.c.it"
    assert str(configured_from(modules, (), behind=True)) == told
    assert configured_from(modules, ()) is None

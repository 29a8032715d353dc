"""How a stack calls its modules, against what these declare: inputs, outputs, and where their code comes from."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestrator.engine.planning.requests import module_request
from orchestrator.errors import InvalidStack, Mistake, Place
from orchestrator.infrastructure.allowed import check_calls
from orchestrator.infrastructure.declarations import check_inputs, check_outputs, declared
from orchestrator.infrastructure.sources import locate_local
from orchestrator.stack.expressions import Reference
from orchestrator.stack.model import Module, Stack, UnitId

Located = tuple[Reference, Place | None]


def call_mistakes(
    tree: Path, stack: Stack, references: Mapping[UnitId, tuple[Located, ...]]
) -> tuple[Mistake, ...]:
    """Return what is wrong with the calls of modules that lie in the repository; Terraform checks those elsewhere.

    ``references`` are what each unit reads.
    """
    every = [item for found in references.values() for item in found]
    local = [module for module in stack.modules if module.local]
    return tuple(
        mistake for module in local for mistake in _mistakes_of(tree, stack, module, every)
    )


def _mistakes_of(
    tree: Path, stack: Stack, module: Module, every: list[Located]
) -> Iterator[Mistake]:
    request = module_request(tree, stack, module)
    try:
        where = locate_local(request)
        read = declared(where.tree / where.path, where.path)
    except InvalidStack as error:
        yield from error.mistakes
        return
    yield from check_inputs(module, read, passes=stack.terraform.environment)
    yield from check_outputs(module.id, every, read)
    if stack.sources is not None:
        yield from check_calls(request, stack.allows_source)

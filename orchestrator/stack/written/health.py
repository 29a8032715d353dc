"""Whether the rules of a set about the health of its objects make sense."""

from collections.abc import Iterator

from orchestrator.errors import Mistake
from orchestrator.stack.expressions import Locate, locate_in
from orchestrator.stack.model import HealthRule, ManifestSet


def check_health(manifests: ManifestSet) -> Iterator[Mistake]:
    """Yield what is wrong with ``wait.health`` of a set beyond its shape."""
    locate = locate_in(manifests.places, ("wait", "health"))
    where = f"{manifests.id}.wait.health"
    seen: dict[tuple[str, str], int] = {}
    for index, rule in enumerate(manifests.wait.health):
        first = seen.setdefault((rule.group, rule.kind), index)
        if first != index and rule.kind:
            message = f"{where}[{index}] is about the same kind as {where}[{first}]"
            hint = "keep one of them; && and || join what they say"
            yield Mistake(message=message, place=locate((index,)), hint=hint)
        yield from _check_rule(rule, f"{where}[{index}]", locate, index)


def _check_rule(rule: HealthRule, where: str, locate: Locate, index: int) -> Iterator[Mistake]:
    if rule.condition and rule.healthy:
        yield Mistake(
            message=f"{where} has both 'condition' and 'healthy'",
            place=locate((index, "condition")),
            hint="keep one of them",
        )
    if rule.kind and not (rule.condition or rule.healthy or rule.failed):
        yield Mistake(
            message=f"{where} does not say when {rule.kind} is healthy",
            place=locate((index,)),
            hint="add 'condition: Ready', or an expression as 'healthy' or 'failed'",
        )
    for key, text in (("healthy", rule.healthy), ("failed", rule.failed)):
        if text and (problem := _problem_of(text)):
            yield Mistake(
                message=f"{where}.{key} {problem}",
                place=locate((index, key)),
                hint="it is an expression in CEL, such as status.phase == 'Ready'",
            )


def _problem_of(text: str) -> str:
    from orchestrator.stack.predicates import problem_of

    return problem_of(text)

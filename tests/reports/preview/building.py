"""Builders of previews."""

from orchestrator.errors import OrchestratorError
from orchestrator.plans.change import Action, Change, Subject
from orchestrator.plans.plan import UnitPlan
from orchestrator.plans.preview import Preview, StackPreview
from tests.plans.builders import change, plan

BASE = "5b1f0c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7081"
HEAD = "9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a291807"
RUN = "https://ci.example/shop/runs/71"


def preview(*stacks: StackPreview, error: OrchestratorError | None = None) -> Preview:
    """Return what merging does to the stacks given."""
    return Preview(base=BASE, head=HEAD, stacks=stacks, error=error, ci_run=RUN)


def of(*units: UnitPlan, stack: str = "shop", environment: str = "production") -> StackPreview:
    """Return what merging does to one stack, given by its units' plans."""
    return StackPreview(
        stack=stack,
        environment=environment,
        plan=plan(*units, stack=stack, environment=environment),
    )


def failing(error: OrchestratorError, environment: str = "production") -> StackPreview:
    """Return a stack that could not be planned."""
    return StackPreview(stack="shop", environment=environment, error=error)


def resource(name: str, action: Action, *fields: object, **given: object) -> Change:
    """Return a change of a Terraform resource, of the type that its address begins with."""
    made = {"subject": Subject.RESOURCE, "type": name.partition(".")[0], "fields": tuple(fields)}
    return change(name, action=action, **made, **given)

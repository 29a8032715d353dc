"""What sets would do to a cluster that is not there yet: everything is created, and nobody can be asked.

What a plan can tell without a server is told all the same: what is declared twice, what breaks a definition
of this very plan, every object with its fields, and what waits for an output.
"""

from orchestrator.plans.change import Change
from orchestrator.plans.redaction import Secrets
from orchestrator.workloads.definitions.custom_resources import (
    check_custom_resources,
    definitions_in,
)
from orchestrator.workloads.manifests.wanted import RenderedSet, check_identities
from orchestrator.workloads.planning.creation import creation, order_of
from orchestrator.workloads.secrecy import learn_wanted


def plan_unreached(
    sets: tuple[RenderedSet, ...], *, secrets: Secrets
) -> tuple[tuple[RenderedSet, tuple[Change, ...]], ...]:
    """Return each set with the creation of all that it wants, in the order of application.

    A kind that is neither built in nor defined here may live in namespaces or not: its objects are named
    without one then, unless they name it themselves. Raises InvalidStack.
    """
    check_identities(sets)
    objects = tuple(item for rendered in sets for item in rendered.objects)
    learn_wanted(objects, secrets)
    check_custom_resources(objects, definitions_in(objects, {}))
    return tuple(
        (rendered, tuple(map(creation, sorted(rendered.objects, key=order_of))))
        for rendered in sets
    )

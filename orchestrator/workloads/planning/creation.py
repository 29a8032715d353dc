"""Objects that come into being: told from their manifests alone, in the order in which they are applied. Pure."""

from orchestrator.plans.change import Action, Change, Subject
from orchestrator.workloads.comparison.differences import compare
from orchestrator.workloads.comparison.intent import Intent
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.order import rank
from orchestrator.workloads.secrecy import secret_in


def creation(item: WantedObject) -> Change:
    """Return the change that creates an object, with every field of its manifest."""
    intent = Intent(value=dict(item.value), secret=secret_in(item))
    fields = compare(None, item.value, intent=intent)
    return Change(subject=Subject.OBJECT, name=item.title, action=Action.CREATE, fields=fields)


def order_of(item: WantedObject) -> tuple[bool, int, str, str]:
    """Return what sorts the objects of a set as they are applied; those without a known name come last."""
    return (
        item.ref is None,
        rank(item.ref) if item.ref else 0,
        item.title,
        str(item.place) if item.ref is None else "",
    )

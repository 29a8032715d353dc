"""What is sent of an object that is wanted. Pure."""

from orchestrator.plans.objects import ObjectRef, Owner
from orchestrator.stack.model import Conflicts
from orchestrator.workloads.cluster.requests import Submission
from orchestrator.workloads.live import Live
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.ownership import forced, marked
from orchestrator.workloads.planning.pending import completed, known


def submission_of(
    ref: ObjectRef, item: WantedObject, live: Live | None, owner: Owner
) -> Submission:
    """Return an object with its marks; what is pending in it is as it is live, or left out."""
    manifest = completed(item.value, live) if item.pending else known(item.value)
    return Submission(
        ref=ref,
        manifest=marked(manifest, owner=owner, unit=item.unit, masks=item.masks, salt=item.salt),
        force=forced(manifest) or item.rights.conflicts is Conflicts.TAKE,
    )

"""Objects that are left alone wholly, since they or their manifests say so."""

from typing import Final

from orchestrator.workloads.live import Live
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.ownership import PRUNE, RECONCILE, annotation

_OFF: Final = "disabled"


def why_left_alone(item: WantedObject, live: Live | None) -> str:
    """Return why an object is neither created nor changed, or an empty text for all others."""
    if live is not None and annotation(live, RECONCILE) == _OFF:
        return f"left alone: it is annotated {RECONCILE}: {_OFF}"
    metadata = item.value.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(annotations, dict) and annotations.get(RECONCILE) == _OFF:
        return f"left alone: its manifest is annotated {RECONCILE}: {_OFF}"
    return ""


def why_kept(live: Live) -> str:
    """Return why an object stays though Git no longer declares it, or an empty text for all others."""
    off = next((name for name in (PRUNE, RECONCILE) if annotation(live, name) == _OFF), "")
    return f"stays, since it is annotated {off}: {_OFF}" if off else ""

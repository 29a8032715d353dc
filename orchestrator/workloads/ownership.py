"""The marks by which an object says whose it is, and what it asks for itself."""

import re
from collections.abc import Mapping
from typing import Final

from orchestrator.plans.objects import Owner
from orchestrator.stack.model import Json, UnitId
from orchestrator.stack.written.durations import DURATION, seconds
from orchestrator.workloads.live import mapping
from orchestrator.workloads.masks import NO_MASKS, SENSITIVE, Masks, read, written

FIELD_MANAGER: Final = "orchestrator"
"""Our name in every object's record of who set which field."""

STACK: Final = "orchestrator/stack"
ENVIRONMENT: Final = "orchestrator/environment"
UNIT: Final = "orchestrator/unit"
PRUNE: Final = "orchestrator/prune"
RECONCILE: Final = "orchestrator/reconcile"
WAIT: Final = "orchestrator/wait"
FORCE: Final = "orchestrator/force"
SALT: Final = "orchestrator/salt"
_MANAGED_BY: Final = "app.kubernetes.io/managed-by"

MARKS: Final = frozenset({STACK, ENVIRONMENT, UNIT, SENSITIVE, SALT, _MANAGED_BY})
"""The labels and annotations that we add; they are no change that a person made."""


_A_SALT: Final = re.compile(r"[A-Za-z0-9_-]{22}")

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""Where client-side ``kubectl apply`` keeps the manifest; with a Secret's values in it."""


def marked(
    manifest: Mapping[str, Json],
    *,
    owner: Owner,
    unit: UnitId,
    masks: Masks = NO_MASKS,
    salt: str = "",
) -> dict[str, Json]:
    """Return the manifest with the marks of its owner and unit, and of what is secret in it.

    A salt of its own, as an exported one has, is left out: it stands in Git.
    """
    metadata = mapping(manifest, "metadata")
    labels = {
        **mapping(metadata, "labels"),
        _MANAGED_BY: FIELD_MANAGER,
        STACK: owner.stack,
        ENVIRONMENT: owner.environment,
    }
    own = mapping(metadata, "annotations")
    annotations = {**{key: text for key, text in own.items() if key != SALT}, UNIT: unit}
    if masks:
        annotations[SENSITIVE] = written(masks)
    if salt:
        annotations[SALT] = salt
    return {
        **manifest,
        "metadata": {**metadata, "labels": labels, "annotations": annotations},
    }


def selector(owner: Owner) -> str:
    """Return the label selector that finds an owner's objects."""
    return f"{STACK}={owner.stack},{ENVIRONMENT}={owner.environment}"


def owner_of(live: Mapping[str, Json]) -> Owner | None:
    """Return whose object this says that it is, or None when it carries no mark of any stack."""
    labels = mapping(mapping(live, "metadata"), "labels")
    stack, environment = labels.get(STACK), labels.get(ENVIRONMENT)
    if not (isinstance(stack, str) and isinstance(environment, str)):
        return None
    return Owner(stack=stack, environment=environment)


def unit_of(live: Mapping[str, Json]) -> UnitId | None:
    """Return the unit that an object says it was applied by."""
    unit = annotation(live, UNIT)
    return UnitId(unit) if unit else None


def masks_in(live: Mapping[str, Json]) -> Masks:
    """Return what an object says was secret of it when it was applied."""
    return read(annotation(live, SENSITIVE))


def salt_in(live: Mapping[str, Json]) -> str:
    """Return the salt under which the ledger knows an object's secrets, or an empty text; any other text is none."""
    found = annotation(live, SALT)
    return found if _A_SALT.fullmatch(found) else ""


def uid_of(live: Mapping[str, Json]) -> str:
    """Return what tells an object apart from another one of its name before or after it."""
    uid = mapping(live, "metadata").get("uid")
    return uid if isinstance(uid, str) else ""


def prunable(live: Mapping[str, Json]) -> bool:
    """Whether an object may be deleted once Git no longer declares it."""
    return "disabled" not in {annotation(live, PRUNE), annotation(live, RECONCILE)}


def waited_for(manifest: Mapping[str, Json]) -> bool:
    """Whether an apply waits for this object's health."""
    return annotation(manifest, WAIT) != "disabled"


def says_how_to_wait(value: str) -> bool:
    """Whether this value of the annotation ``orchestrator/wait`` means something."""
    return value == "disabled" or bool(re.fullmatch(DURATION, value))


def own_timeout(manifest: Mapping[str, Json]) -> float | None:
    """Return how many seconds this object asks to be waited for, or None where it says nothing of that."""
    return seconds(annotation(manifest, WAIT)) or None


def forced(manifest: Mapping[str, Json]) -> bool:
    """Whether an object asks for its fields to be taken from whoever else set them."""
    return annotation(manifest, FORCE) == "enabled"


def annotation(value: Mapping[str, Json], key: str) -> str:
    """Return one annotation of an object, or an empty text."""
    found = mapping(mapping(value, "metadata"), "annotations").get(key)
    return found if isinstance(found, str) else ""

"""What is said of a module whose Terraform state must be somewhere, and is not here; pure."""

from typing import Final, NoReturn

from orchestrator.errors import PlanRefused
from orchestrator.ledger.entry import UnitRecord

_CONSEQUENCE: Final = {
    "recreate": "this plan would create everything again",
    "forget": "this plan would forget it and destroy nothing",
}


def refuse_without_state(record: UnitRecord, way_out: str) -> NoReturn:
    """Refuse a plan of a module that was applied; ``way_out`` is what would happen, ``recreate`` or ``forget``."""
    message = (
        f"{record.unit} was applied at {record.applied} by {record.by}, but its Terraform state is not here:"
        f" {_CONSEQUENCE[way_out]}"
    )
    hint = (
        "without `state:` in the stack file the state stays in the clone that applied; bring it here,"
        f" or pass --acknowledge {way_out}:{record.unit} if what it describes is gone"
    )
    raise PlanRefused(message, hint=hint)


def refuse_without_first_state(record: UnitRecord, lost: str, way_out: str) -> NoReturn:
    """Refuse a plan of a module whose first apply died, and ``lost`` says what is known of its state."""
    message = (
        f"{record.unit} was begun at {record.revision} by {record.by}, and that apply died before its first Terraform"
        f" state was whole: {lost}, and {_CONSEQUENCE[way_out]}"
    )
    hint = (
        f"see what of it exists, and import it with `orchestrator terraform {record.unit} -- import`, or delete it and"
        f" pass --acknowledge {way_out}:{record.unit}"
    )
    raise PlanRefused(message, hint=hint)

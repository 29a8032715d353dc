"""Seals: what a module was applied with, as one value that can be compared and gives nothing away.

A seal holds the inputs' values, and stands in a ledger that many can read. So it is a keyed hash, and the key is
the lineage of the state: a random number that is nowhere but in the state, where the inputs are anyway. Who
does not have the state cannot try values until one fits.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping

from orchestrator.infrastructure.moving import moving_call
from orchestrator.infrastructure.outputs import with_nulls
from orchestrator.infrastructure.outside import leading_outside
from orchestrator.infrastructure.planning import ModulePlan, learn_inputs
from orchestrator.infrastructure.states import current_snapshot
from orchestrator.infrastructure.traces import files_of, trace_of
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.stack.model import Json

_FORMAT = 1


def seal_of(
    workspace: Workspace, inputs: Mapping[str, Json], *, state_stamp: str, revision: str
) -> str:
    """Return the seal of a module that was applied with these inputs and has this state now.

    It covers the code, the lock file, the engine, the inputs, the variables that the stack passes on, and the
    state's serial; ``revision`` as well when the module may read other files of the repository. It is empty when
    there is no state, or when nobody can tell what the module is made of.
    """
    lineage, _, serial = state_stamp.rpartition(":")
    if not lineage:
        return ""
    try:
        made_of = _made_of(workspace, inputs, revision)
    except OSError:  # then it is planned the next time; an apply does not fail for it
        return ""
    if made_of is None:
        return ""
    canonical = json.dumps([_FORMAT, serial, made_of], sort_keys=True, separators=(",", ":"))
    return hmac.new(lineage.encode(), canonical.encode(), hashlib.sha256).hexdigest()


def _made_of(workspace: Workspace, inputs: Mapping[str, Json], revision: str) -> Json:
    """Return what a module is made of but for its state, None when nobody can tell; raises OSError."""
    module, site = workspace.module, workspace.site
    outside = leading_outside(module.tree, files_of(module), dict(inputs))
    if outside and module.shown:
        return None
    if moving_call(module.tree, {module.path, *module.calls}):
        return None
    trace = trace_of(workspace)
    variables: dict[str, Json] = {
        name: site.settings.environment.get(name)
        for name in sorted(site.passes)
        if name.startswith("TF_VAR_")
    }
    return [
        trace.code,
        trace.lock,
        f"{site.binary.product} {site.binary.version}",
        dict(inputs),
        variables,
        revision if outside else "",
    ]


def as_sealed(
    workspace: Workspace, inputs: Mapping[str, Json], seal: str, *, revision: str
) -> ModulePlan | None:
    """Return the plan of a module that is what its seal says, without planning it; None for any other.

    Its outputs are those of the state. Raises TerraformError, Interrupted, StorageError.
    """
    if not seal:
        return None
    snapshot = current_snapshot(workspace)
    if not snapshot.readable:
        return None
    now = seal_of(workspace, inputs, state_stamp=snapshot.stamp, revision=revision)
    if not hmac.compare_digest(now, seal):
        return None
    learn_inputs(workspace, inputs)
    return ModulePlan(outputs=with_nulls(workspace, snapshot.outputs), state_stamp=snapshot.stamp)

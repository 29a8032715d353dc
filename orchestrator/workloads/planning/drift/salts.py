"""Salts: random texts that objects carry, under which the ledger knows their secrets.

The ledger stands in Git, where many read it, and keeps of secrets only keyed hashes. The key is in the object
alone, which whoever may read has the secrets of anyway: who only has the ledger cannot try values until one fits,
and who only sees an object's annotations has no hash. It comes with the first apply and stays, so that nothing changes
by it.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import Drift
from orchestrator.workloads.live import Live
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.ownership import salt_in
from orchestrator.workloads.secrecy import secret_in

_BYTES = 16


def salts_for(
    objects: Iterable[WantedObject], live: Mapping[ObjectRef, Live]
) -> dict[ObjectRef, str]:
    """Return the salt of each object that has one, and a new one where something is secret and drift is left.

    ``live`` are the objects that are known to be ours.
    """
    refs = ((item, item.ref) for item in objects if item.ref)
    return {ref: salt for item, ref in refs if (salt := _salt_of(item, live.get(ref)))}


def salted(item: WantedObject, salts: Mapping[ObjectRef, str]) -> WantedObject:
    """Return an object with its salt."""
    salt = salts.get(item.ref, "") if item.ref else ""
    return replace(item, salt=salt) if salt else item


def _salt_of(item: WantedObject, live: Live | None) -> str:
    found = salt_in(live) if live is not None else ""
    if found == salt_in(cast("Live", item.value)):
        found = ""  # whoever reads the manifest in Git knows it
    if found or item.drift is Drift.HEAL or not secret_in(item):
        return found
    return secrets.token_urlsafe(_BYTES)

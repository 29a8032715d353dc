"""A place to plan and apply in: a namespace and an owner that no other test has."""

import json
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

from orchestrator.plans.change import Action, Change
from orchestrator.plans.events import Event
from orchestrator.plans.objects import ObjectRef, OwnedObject, Owner
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Stop
from orchestrator.stack.expressions import Output
from orchestrator.stack.model import Rights, Wait
from orchestrator.workloads.applying.execution import apply_set
from orchestrator.workloads.applying.pruning import prune
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.manifests.wanted import RenderedSet
from orchestrator.workloads.planning.sets import plan_sets
from orchestrator.workloads.planning.steps import SetPlan
from tests.sandbox.client import Client
from tests.workloads.builders import rendered

Inventory = tuple[OwnedObject, ...]
_WAIT = Wait(timeout=60.0)


@dataclass(slots=True, kw_only=True)
class Ground:
    """Plans and applies as one owner; ``others`` changes things behind its back."""

    cluster: Cluster
    others: Client
    directory: Path
    namespace: str = field(default_factory=lambda: f"w-{secrets.token_hex(5)}")
    environment: str = "test"
    secrets: Secrets = field(default_factory=Secrets)
    stop: Stop = field(default_factory=Stop)
    events: list[Event] = field(default_factory=list)

    @property
    def owner(self) -> Owner:
        """Return whose objects these are."""
        return Owner(stack=self.namespace, environment=self.environment)

    def make_namespace(self) -> None:
        """Make the namespace."""
        self.others.create("/api/v1/namespaces", {"metadata": {"name": self.namespace}})

    def leave(self) -> None:
        """Start deleting the namespace; nobody waits for it."""
        self.others.request("DELETE", f"/api/v1/namespaces/{self.namespace}")

    def rendered(
        self,
        text: str,
        *,
        name: str = "shop",
        outputs: Mapping[str, Output] | None = None,
        **rights: Any,
    ) -> RenderedSet:
        """Return the set that the manifests in ``text`` make, in this namespace by default."""
        return rendered(
            self.directory,
            text,
            name=name,
            namespace=self.namespace,
            kinds=self.cluster.kinds(),
            outputs=outputs,
            rights=Rights(**rights),
        )

    def plan(self, *sets: RenderedSet, inventory: Inventory = ()) -> tuple[SetPlan, ...]:
        """Plan sets."""
        planned = plan_sets(self.cluster, sets, inventory, owner=self.owner, secrets=self.secrets)
        return planned.plans

    def apply(
        self, *sets: RenderedSet | str, inventory: Inventory = (), wait: Wait = _WAIT
    ) -> Inventory:
        """Plan and apply sets, one after the other, without pruning; return the inventory."""
        chosen = [self.rendered(item) if isinstance(item, str) else item for item in sets]
        found: Inventory = ()
        for plan in self.plan(*chosen, inventory=inventory):
            found += apply_set(
                self.cluster, plan, wait=wait, on_event=self.events.append, stop=self.stop
            )
        return found

    def prune(self, objects: Inventory, *, timeout: float = 60.0) -> tuple[ObjectRef, ...]:
        """Delete objects."""
        return prune(
            self.cluster,
            objects,
            owner=self.owner,
            on_event=self.events.append,
            stop=self.stop,
            timeout=timeout,
        )

    def path(self, plural: str, name: str = "", *, group: str = "api/v1") -> str:
        """Return the address of a collection of this namespace, or of an object in it."""
        return f"/{group}/namespaces/{self.namespace}/{plural}{f'/{name}' if name else ''}"

    def patch(self, path: str, body: Mapping[str, Any], *, manager: str) -> dict[str, Any]:
        """Change an object behind our back, as ``manager``."""
        context = ssl.create_default_context(cadata=self.others.authority)
        connection = HTTPSConnection(self.others.address, timeout=30, context=context)
        headers = {
            "Authorization": f"Bearer {self.others.token}",
            "Content-Type": "application/merge-patch+json",
        }
        connection.request("PATCH", f"{path}?fieldManager={manager}", json.dumps(body), headers)
        answer = connection.getresponse()
        found: dict[str, Any] = json.loads(answer.read())
        connection.close()
        assert answer.status == 200, found
        return found


def told(plan: SetPlan) -> dict[str, Action]:
    """Return what a plan does to each object, by name."""
    return {change.name: change.action for change in plan.changes}


def change_of(plan: SetPlan, title: str) -> Change:
    """Return the change of one object, by the end of its name."""
    (found,) = [change for change in plan.changes if change.name.endswith(title)]
    return found

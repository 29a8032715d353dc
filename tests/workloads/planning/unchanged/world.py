"""Objects with a history on a real server: applied by us and by others, changed by hand, and listed again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from orchestrator.errors import ClusterError
from orchestrator.plans.objects import ObjectRef, Owner
from orchestrator.stack.model import UnitId
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.answers import Request
from orchestrator.workloads.cluster.api import collections
from orchestrator.workloads.cluster.connection.client import APPLY, Call, Client, side_by_side
from orchestrator.workloads.cluster.wording import apply_text
from orchestrator.workloads.kinds import Resource
from orchestrator.workloads.ownership import FIELD_MANAGER, marked
from orchestrator.workloads.planning.unchanged.admission import (
    Mutation,
    admission_kinds,
    mutations_of,
)
from orchestrator.workloads.planning.unchanged.atomic import BUILT_IN_GROUPS
from tests.workloads.planning.unchanged.changes import Manifest, changed, hollowed
from tests.workloads.planning.unchanged.manifests import Maker

_MERGE = "application/merge-patch+json"
_OF_THE_SERVER = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """An object on the server: what we applied first and last; ``ordinary`` if that is all that happened."""

    ref: ObjectRef
    first: Manifest
    last: Manifest
    ordinary: bool

    @property
    def built_in(self) -> bool:
        """Whether its kind is one of Kubernetes' own."""
        return self.ref.group in BUILT_IN_GROUPS


@dataclass(slots=True, kw_only=True)
class World:
    """Makes cases in one namespace, as one owner."""

    cluster: Cluster
    namespace: str
    seed: int

    @property
    def client(self) -> Client:
        """Return what sends requests: as other managers, too."""
        return self.cluster._client  # noqa: SLF001 - the product applies as one manager alone

    @property
    def owner(self) -> Owner:
        """Return whose objects these are."""
        return Owner(stack=self.namespace, environment="test")

    def cases(self, makers: Sequence[Maker], count: int) -> list[Case]:
        """Make ``count`` objects of these kinds in turn; what the server refuses altogether is left out."""
        numbered = [(index, makers[index % len(makers)]) for index in range(count)]
        found = self.client.run(side_by_side(numbered, self._case))
        return [case for case in found if case]

    def observed(self, cases: Sequence[Case]) -> dict[ObjectRef, Mapping[str, Any]]:
        """Return what is live now."""
        wanted = collections(self.cluster.kinds(), [case.ref for case in cases])
        return {**self.cluster.list_owned(wanted, self.owner)}

    def mutations(self) -> tuple[Mutation, ...]:
        """Return what admission mutates now."""
        wanted = admission_kinds(self.cluster.kinds())
        return mutations_of(self.cluster.survey((), self.owner, wanted)[1])

    async def _case(self, item: tuple[int, Maker]) -> Case | None:
        index, maker = item
        rng = Random(f"{self.seed}-{index}")
        first = self._named(maker(rng), f"o-{index}", rng)
        ref, resource = self._place(first)
        steps = [first]
        if ordinary := rng.random() < 0.3:
            live = await self._applied(resource, first, FIELD_MANAGER)
            return Case(ref=ref, first=first, last=first, ordinary=ordinary) if live else None
        if rng.random() < 0.3:
            return await self._filled_by_others(ref, resource, first, rng)
        if rng.random() < 0.6:
            steps.insert(rng.randint(0, 1), changed(first, {}, rng))
        last, live = None, None
        for step in steps:
            if accepted := await self._applied(resource, step, FIELD_MANAGER):
                last, live = step, accepted
        if last is None or live is None:
            return None
        live = await self._disturbed(resource, live, rng)
        again = changed(last, live, rng)
        if rng.random() < 0.3 and await self._applied(resource, again, FIELD_MANAGER):
            last = again
        return Case(ref=ref, first=first, last=last, ordinary=False)

    async def _filled_by_others(
        self, ref: ObjectRef, resource: Resource, first: Manifest, rng: Random
    ) -> Case | None:
        """Apply something empty, which another manager then fills as the manifest will have it one day."""
        last = hollowed(first, rng)
        if not await self._applied(resource, last, FIELD_MANAGER):
            last = first
            if not await self._applied(resource, last, FIELD_MANAGER):
                return None
        await rng.choice((self._applied, self._patched))(resource, first, "other")
        return Case(ref=ref, first=first, last=last, ordinary=False)

    def _named(self, manifest: Manifest, name: str, rng: Random) -> Manifest:
        metadata: Manifest = {"name": name, "namespace": self.namespace}
        if rng.random() < 0.3:
            metadata["finalizers"] = rng.sample(["a.example/x", "b.example/y"], rng.randint(1, 2))
        named = {**manifest, "metadata": metadata}
        return marked(named, owner=self.owner, unit=UnitId("manifests.shop"))

    def _place(self, manifest: Manifest) -> tuple[ObjectRef, Resource]:
        group, _, version = manifest["apiVersion"].rpartition("/")
        name, kind = manifest["metadata"]["name"], manifest["kind"]
        ref = ObjectRef(
            group=group, version=version, kind=kind, namespace=self.namespace, name=name
        )
        return ref, self.cluster.resource(ref)

    async def _disturbed(self, resource: Resource, live: Manifest, rng: Random) -> Manifest:
        """Let others apply some of the object and more, or patch it."""
        for manager in rng.sample(["helm", "kubectl-edit", "other"], rng.randint(0, 2)):
            theirs = _bare(live)
            match rng.randint(0, 3):
                case 0:
                    theirs = changed(theirs, {}, rng)
                case 1:
                    theirs["metadata"]["labels"] = {"extra": "one"}
                case _:
                    pass
            if rng.random() < 0.5:
                live = await self._applied(resource, theirs, manager) or live
            else:
                live = await self._patched(resource, changed(theirs, {}, rng), manager) or live
        return live

    async def _applied(
        self, resource: Resource, manifest: Manifest, manager: str
    ) -> Manifest | None:
        return await self._sent(resource, manifest, manager, APPLY)

    async def _patched(
        self, resource: Resource, manifest: Manifest, manager: str
    ) -> Manifest | None:
        return await self._sent(resource, manifest, manager, _MERGE)

    async def _sent(
        self, resource: Resource, manifest: Manifest, manager: str, content: str
    ) -> Manifest | None:
        query = {"fieldManager": manager, **({"force": "true"} if content == APPLY else {})}
        call = Call(
            method="PATCH",
            path=resource.path(self.namespace, manifest["metadata"]["name"]),
            request=Request(verb="patch", resource=resource.qualified),
            query=query,
            body=apply_text(manifest) if content == APPLY else manifest,
            content_type=content,
        )
        try:
            body: Any = (await self.client.send(call)).body
        except ClusterError:
            return None
        return dict(body)


def _bare(live: Manifest) -> Manifest:
    metadata = {key: item for key, item in live["metadata"].items() if key not in _OF_THE_SERVER}
    return {**{key: item for key, item in live.items() if key != "status"}, "metadata": metadata}

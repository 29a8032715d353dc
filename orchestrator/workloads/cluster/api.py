"""What is asked of an API server, in batches: observe, apply (really or dry), delete, watch."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from orchestrator import clock
from orchestrator.errors import AccessDenied, ClusterError, ClusterUnreachable
from orchestrator.plans.objects import ObjectRef, Owner
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Stop
from orchestrator.settings import Settings
from orchestrator.stack.model import Json
from orchestrator.workloads.cluster import requests
from orchestrator.workloads.cluster.access.credentials import Credentials, locate
from orchestrator.workloads.cluster.access.target import Target
from orchestrator.workloads.cluster.answers import NotServed
from orchestrator.workloads.cluster.connection.client import Client, side_by_side
from orchestrator.workloads.cluster.discovery import discover
from orchestrator.workloads.cluster.lists import Keep, listing, whole
from orchestrator.workloads.cluster.registers import Registers
from orchestrator.workloads.cluster.requests import Accepted, Managers, Reply, Submission
from orchestrator.workloads.cluster.schemas import described
from orchestrator.workloads.cluster.watches import Listing, Scope, Watch
from orchestrator.workloads.kinds import Kinds, Resource
from orchestrator.workloads.live import Live
from orchestrator.workloads.ownership import selector


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which objects an observation is about: a kind, and the namespaces that are looked at if need be.

    Where a kind is read in several versions, ``named`` are the objects that are wanted in this one.
    """

    resource: Resource
    namespaces: frozenset[str]
    named: frozenset[ObjectRef] = frozenset()


@contextmanager
def connect(
    target: Target,
    settings: Settings,
    *,
    secrets: Secrets,
    stop: Stop,
    on_notice: Callable[[str], None] = lambda _: None,
) -> Iterator["Cluster"]:
    """Open a connection to the API server that a stack asks for, and close it at the end.

    ``on_notice`` is told, from another thread, when the server is in trouble and asked again. Nothing is sent
    yet. Raises ClusterError when the target cannot be located or credentials are missing.
    """
    access = replace(locate(target, settings), impersonated=target.impersonated)
    secrets.learn([access.authorization.partition(" ")[2], access.client_key])
    credentials = Credentials(access=access, settings=settings, secrets=secrets, stop=stop)
    client = Client(credentials, stop, on_notice=on_notice)
    try:
        yield Cluster(client, settings)
    finally:
        client.close()


class Cluster:
    """One API server; every method blocks until its batch is done and may be called from any thread."""

    def __init__(self, client: Client, settings: Settings) -> None:
        """Use ``client`` for every request."""
        self._client = client
        self._settings = settings
        self._kinds: Kinds | None = None
        self._narrow: set[Resource] = set()

    @property
    def title(self) -> str:
        """Return the name of the cluster as people know it, with the server's address."""
        return self._client.title

    def registers(self, namespace: str) -> Registers:
        """Return the objects of a namespace that keep records, such as a ledger."""
        return Registers(client=self._client, namespace=namespace)

    def kinds(self, *, refresh: bool = False) -> Kinds:
        """Return the kinds that the server serves, asked for once unless ``refresh`` is set."""
        if self._kinds is None or refresh:
            self._kinds = self._client.run(discover(self._client, self._settings.cache))
        return self._kinds

    def check_answering(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Raise ClusterUnreachable when nobody can tell whether there are objects of these (group, kind).

        That is so while the server of an aggregated API is down; what the others serve is not touched by it.
        """
        keys = sorted(set(wanted))
        if not any(self.kinds().unanswered(*key) for key in keys):
            return
        kinds = self.kinds(refresh=True)  # it may be back
        silent = {name for key in keys for name in kinds.unanswered(*key)}
        if silent:
            raise _silent(sorted(silent), self.title)

    def await_kinds(
        self, wanted: Iterable[tuple[str, str, str]], *, timeout: float, stop: Stop
    ) -> None:
        """Wait until the server serves these (group, version, kind); raises ClusterError after ``timeout`` seconds.

        A definition is established a moment before discovery tells of it, and so is another version of a kind.
        """
        missing, deadline = set(wanted), clock.seconds() + timeout
        while missing := {key for key in missing if not _found(self.kinds(), key)}:
            if clock.seconds() > deadline:
                group, version, kind = min(missing)
                raise NotServed(
                    f"the server does not serve {kind} of {group}/{version}, though it is defined"
                )
            if not _found(self.kinds(refresh=True), min(missing)):
                stop.wait(0.1)

    def resource(self, ref: ObjectRef) -> Resource:
        """Return how an object is reached; raises NotServed when its kind is unknown to the server."""
        found = self.kinds().serving(ref) or self.kinds(refresh=True).serving(ref)
        if found is None:
            self.check_answering([(ref.group, ref.kind)])
            raise NotServed(f"{self.title} does not know the kind of {ref} ({ref.api_version})")
        return found

    def described(self, resource: Resource) -> Mapping[str, Json]:
        """Return the server's description of a kind's version, or nothing where it has none."""
        return self._client.run(described(self._client, resource))

    def list_owned(self, wanted: Iterable[Wanted], owner: Owner) -> dict[ObjectRef, Live]:
        """Return the objects of these kinds that carry the owner's labels, each in the version it is wanted in.

        Where listing in all namespaces is forbidden, the namespaces named are listed one by one.
        """
        return self.survey(wanted, owner, ())[0]

    def survey(
        self, wanted: Iterable[Wanted], owner: Owner, everybodys: Iterable[Resource]
    ) -> tuple[dict[ObjectRef, Live], list[Live]]:
        """Return what ``list_owned`` does, and all objects of the cluster-wide kinds ``everybodys``.

        Of these there are none where that is forbidden.
        """
        asked = [*wanted]

        async def one(item: Wanted | Resource) -> list[tuple[ObjectRef, Live]]:
            if isinstance(item, Wanted):
                return await self._list(item, owner)
            try:
                return [*(await listing(self._client, Scope(resource=item, namespace=""))).objects]
            except (AccessDenied, NotServed):
                return []

        scopes: list[Wanted | Resource] = [*asked, *everybodys]
        listed = self._client.run(side_by_side(scopes, one))
        others = [live for objects in listed[len(asked) :] for _, live in objects]
        return _by_reference(zip(asked, listed, strict=False)), others

    def get_many(self, refs: Iterable[ObjectRef]) -> dict[ObjectRef, Live | None]:
        """Return objects by reference, None for those that do not exist (or whose kind does not).

        Raises ClusterUnreachable when that cannot be told.
        """
        wanted = sorted(set(refs))

        async def one(item: tuple[ObjectRef, Resource]) -> tuple[ObjectRef, Live | None]:
            return item[0], await requests.read(self._client, *item)

        found = self._client.run(side_by_side(self._served(wanted), one)) if wanted else []
        return {**dict.fromkeys(wanted), **dict(found)}

    def apply_many(
        self,
        submissions: Sequence[Submission],
        *,
        dry_run: bool,
        on_reply: Callable[[Submission, Reply], None] | None = None,
        keep: Keep = whole,
    ) -> tuple[Reply, ...]:
        """Apply manifests side by side and return the replies in their order; refusals are replies too.

        ``on_reply`` is called from another thread; ``keep`` says what is kept of each object. Raises
        ClusterUnreachable, Interrupted, and NotServed when a kind is unknown.
        """
        items = [*zip(submissions, self._exactly([each.ref for each in submissions]), strict=True)]

        async def one(item: tuple[Submission, Resource | NotServed]) -> Reply:
            submission, resource = item
            if isinstance(resource, NotServed):
                reply: Reply = resource
            else:
                reply = await requests.apply(self._client, submission, resource, dry_run=dry_run)
            if isinstance(reply, Accepted):
                reply = replace(reply, live=keep(reply.live))
            if on_reply:
                on_reply(submission, reply)
            return reply

        return tuple(self._client.run(side_by_side(items, one)))

    def mend_many(self, patches: Mapping[ObjectRef, Live]) -> dict[ObjectRef, Reply]:
        """Ask what merge patches would make of objects; nothing is changed. Raises like ``apply_many``."""
        if not patches:
            return {}

        async def one(item: tuple[ObjectRef, Resource]) -> tuple[ObjectRef, Reply]:
            reply = await requests.mend(self._client, *item, patches[item[0]], dry_run=True)
            return item[0], reply

        return dict(self._client.run(side_by_side(self._served(patches), one)))

    def hand_over_many(
        self, objects: Mapping[ObjectRef, tuple[str, Managers]]
    ) -> tuple[ClusterError, ...]:
        """Record other managers of objects' fields, each only if it still has the uid given; return refusals."""
        if not objects:
            return ()

        async def one(item: tuple[ObjectRef, Resource]) -> ClusterError | None:
            uid, managers = objects[item[0]]
            return await requests.hand_over(self._client, *item, uid=uid, managers=managers)

        replies = self._client.run(side_by_side(self._served(objects), one))
        return tuple(reply for reply in replies if reply is not None)

    def delete_many(self, objects: Mapping[ObjectRef, str]) -> tuple[ClusterError, ...]:
        """Start deleting objects, each only if it still has the uid given; return the refusals.

        An object that is gone already counts as deleted.
        """

        async def one(item: tuple[ObjectRef, Resource]) -> ClusterError | None:
            return await requests.delete(self._client, *item, uid=objects[item[0]])

        replies = self._client.run(side_by_side(self._served(objects), one))
        return tuple(reply for reply in replies if reply is not None)

    @contextmanager
    def watch(
        self, wanted: Iterable[Wanted], owner: Owner, *, keep: Keep = whole
    ) -> Iterator[Watch]:
        """Follow the owner's objects of these kinds; what is there first comes as a change too.

        ``keep`` says what is kept of each object.
        """
        found = self._client.run(
            side_by_side([*wanted], lambda item: self._listings(item, owner, keep))
        )
        with self._follow([one for several in found for one in several], keep) as watch:
            yield watch

    @contextmanager
    def watch_scopes(self, scopes: Sequence[Scope], *, keep: Keep) -> Iterator[Watch]:
        """Follow these collections, whoever owns what is in them, keeping of each object what ``keep`` says."""
        found = self._client.run(
            side_by_side(scopes, lambda scope: listing(self._client, scope, keep=keep))
        )
        with self._follow(found, keep) as watch:
            yield watch

    def list_in(
        self, resource: Resource, namespace: str, *, query: Mapping[str, str]
    ) -> list[Live]:
        """Return the objects of a kind in a namespace by any selectors, such as a workload's Pods."""
        scope = Scope(resource=resource, namespace=namespace, query=query)
        return [live for _, live in self._client.run(listing(self._client, scope)).objects]

    @contextmanager
    def _follow(self, listings: list[Listing], keep: Keep) -> Iterator[Watch]:
        watch = Watch(
            self._client,
            listings,
            relist=lambda scope: listing(self._client, scope, keep=keep),
            keep=keep,
        )
        try:
            yield watch
        finally:
            watch.close()

    async def _list(self, wanted: Wanted, owner: Owner) -> list[tuple[ObjectRef, Live]]:
        listings = await self._listings(wanted, owner)
        return [found for listing in listings for found in listing.objects]

    async def _listings(self, wanted: Wanted, owner: Owner, keep: Keep = whole) -> list[Listing]:
        """List the widest collections that we may: everywhere, or else namespace by namespace."""
        query = {"labelSelector": selector(owner)}
        everywhere = Scope(resource=wanted.resource, namespace="", query=query)
        if wanted.resource not in self._narrow:
            try:
                return [await listing(self._client, everywhere, keep=keep)]
            except AccessDenied:
                if not wanted.resource.namespaced or not wanted.namespaces:
                    raise
                self._narrow.add(wanted.resource)
        scopes = [replace(everywhere, namespace=name) for name in sorted(wanted.namespaces)]
        return await side_by_side(scopes, lambda scope: listing(self._client, scope, keep=keep))

    def _exactly(self, refs: Sequence[ObjectRef]) -> list[Resource | NotServed]:
        """Return how manifests are applied, each in its own version, or that only others of its kind are served."""
        others = [self.resource(ref) for ref in refs]
        if any(other.version != ref.version for other, ref in zip(others, refs, strict=True)):
            kinds = self.kinds(refresh=True)
            others = [kinds.serving(ref) or other for ref, other in zip(refs, others, strict=True)]
        return [
            other if other.version == ref.version else _in_others(ref, other, self.title)
            for ref, other in zip(refs, others, strict=True)
        ]

    def _served(self, refs: Iterable[ObjectRef]) -> list[tuple[ObjectRef, Resource]]:
        refs = list(refs)
        self.check_answering((ref.group, ref.kind) for ref in refs)
        kinds = self.kinds()
        return [(ref, resource) for ref in refs if (resource := kinds.serving(ref))]


def collections(kinds: Kinds, refs: Iterable[ObjectRef]) -> tuple[Wanted, ...]:
    """Return the collections that hold these objects, sorted; kinds that are not served are left out.

    A kind is read in the version of the first reference to it; see ``views``.
    """
    resources: dict[tuple[str, str], Resource] = {}
    namespaces: dict[tuple[str, str], set[str]] = {}
    for ref in refs:
        key = (ref.group, ref.kind)
        namespaces.setdefault(key, set()).add(ref.namespace)
        if key not in resources and (found := kinds.serving(ref)):
            resources[key] = found
    return tuple(
        Wanted(resource=resource, namespaces=frozenset(namespaces[key]))
        for key, resource in sorted(resources.items())
    )


def views(kinds: Kinds, refs: Iterable[ObjectRef]) -> tuple[Wanted, ...]:
    """Return the collections that hold these objects, one for each version of a kind that is wanted.

    What is live can only be compared in the version of the manifest; the first reference to an object counts.
    """
    wanted = tuple(dict.fromkeys(refs))
    versions: dict[Resource, list[ObjectRef]] = {}
    for ref in wanted:
        if found := kinds.serving(ref):
            versions.setdefault(found, []).append(ref)
    several = [
        Wanted(
            resource=resource,
            namespaces=frozenset(ref.namespace for ref in named),
            named=frozenset(named),
        )
        for resource, named in versions.items()
    ]
    return tuple(
        sorted(
            several, key=lambda one: (one.resource.group, one.resource.kind, one.resource.version)
        )
    )


def _by_reference(
    listed: Iterable[tuple[Wanted, list[tuple[ObjectRef, Live]]]],
) -> dict[ObjectRef, Live]:
    found: dict[ObjectRef, Live] = {}
    for view, objects in listed:
        for ref, live in objects:
            if ref in view.named:
                found.pop(ref, None)  # with its version, which is no part of what is compared
            found.setdefault(ref, live)
    return found


def _in_others(ref: ObjectRef, served: Resource, title: str) -> NotServed:
    return NotServed(
        f"{ref}: {title} serves its kind as {served.api_version}, and not as {ref.api_version}",
        hint=f"write it for {served.api_version}, or apply the definition that has the other version first",
    )


def _silent(names: Sequence[str], title: str) -> ClusterUnreachable:
    services = [".".join(reversed(name.split("/"))) for name in names]
    return ClusterUnreachable(
        f"the API {', '.join(names)} of {title} does not answer: its server is down",
        hint="kubectl get apiservices tells why; if it is gone for good, delete the APIService "
        + ", ".join(services),
    )


def _found(kinds: Kinds, key: tuple[str, str, str]) -> bool:
    group, version, kind = key
    return kinds.find(group, kind, version=version) is not None

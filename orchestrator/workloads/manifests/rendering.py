"""From declared documents to the objects that a set wants: references replaced, namespaces defaulted."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast

from orchestrator.errors import InvalidStack, Mistake
from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.expressions import (
    Path,
    Pending,
    Resolution,
    Scope,
    Tree,
    locate_in,
    pending_in,
    resolve,
)
from orchestrator.stack.model import ManifestSet
from orchestrator.stack.names import did_you_mean
from orchestrator.workloads.kinds import Kinds
from orchestrator.workloads.live import SET_BY_THE_SERVER
from orchestrator.workloads.manifests.documents import ManifestDocument
from orchestrator.workloads.manifests.wanted import RenderedSet, WantedObject, group_version_kind
from orchestrator.workloads.masks import masks_of
from orchestrator.workloads.ownership import WAIT, says_how_to_wait

_DEFAULT_NAMESPACE: Final = "default"
# An exported manifest has all of these; applied, they would bind it to the object that it was exported from, as it was.
_NOT_KEPT: Final = SET_BY_THE_SERVER | {"namespace"}


def render(
    manifests: ManifestSet,
    documents: Iterable[ManifestDocument],
    scope: Scope,
    *,
    kinds: Kinds,
) -> RenderedSet:
    """Return what a set wants, with every reference replaced by what ``scope`` says.

    ``kinds`` decide which objects get a namespace. Raises InvalidStack with every mistake.
    """
    namespace = resolve(manifests.namespace, scope, locate_in(manifests.places, ("namespace",)))
    mistakes = [*namespace.mistakes, *_namespace_mistakes(manifests, namespace)]
    objects: list[WantedObject] = []
    for document in documents:
        resolved = _resolved(document, scope)
        rendering = _Rendering(manifests, document, resolved, namespace.value, kinds)
        found = (*resolved.mistakes,) or tuple(rendering.mistakes())
        mistakes += found
        if not found:
            objects.append(rendering.wanted())
    if mistakes:
        raise InvalidStack(tuple(mistakes))
    return RenderedSet(unit=manifests.id, objects=tuple(objects))


def _resolved(document: ManifestDocument, scope: Scope) -> Resolution:
    if document.literal:
        return Resolution(value=cast("dict[str, Tree]", dict(document.value)))
    return resolve(dict(document.value), scope, document.place)


def _namespace_mistakes(manifests: ManifestSet, namespace: Resolution) -> Iterator[Mistake]:
    if namespace.mistakes or namespace.value is None:
        return
    if not isinstance(namespace.value, str | Pending) or namespace.value == "":
        place = manifests.places.get(("namespace",))
        yield Mistake(message=f"the namespace of {manifests.id} is not a text", place=place)


@dataclass(frozen=True, slots=True)
class _Rendering:
    """One document on its way to becoming a wanted object."""

    manifests: ManifestSet
    document: ManifestDocument
    resolved: Resolution
    namespace: Tree
    kinds: Kinds

    @property
    def tree(self) -> dict[str, Tree]:
        return self.resolved.value if isinstance(self.resolved.value, dict) else {}

    @property
    def metadata(self) -> dict[str, Tree]:
        metadata = self.tree.get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    def mistakes(self) -> Iterator[Mistake]:
        for path in (("apiVersion",), ("kind",)):
            if not isinstance(self.tree.get(path[0]), str):
                yield self._mistake(f"{path[0]} has to be known when the plan is made", path=path)
                return
        yield from self._metadata_mistakes()
        yield from self._kind_mistakes()

    def wanted(self) -> WantedObject:
        value, sensitive = _normalised(self._with_namespace(), self.resolved.sensitive)
        return WantedObject(
            unit=self.manifests.id,
            value=value,
            ref=self._ref(value),
            title=self._title(value),
            sensitive=sensitive,
            masks=masks_of(value, _unlike_data(value, sensitive)),
            rights=self.manifests.rights,
            drift=self.manifests.drift,
            ignore=self.manifests.ignore,
            document=self.document,
        )

    def _metadata_mistakes(self) -> Iterator[Mistake]:
        for name in ("name", "namespace"):
            value = self.metadata.get(name)
            if (value is None and name == "name") or not isinstance(value, str | Pending | None):
                yield self._mistake(
                    f"metadata.{name} is not a text",
                    path=("metadata", name),
                    hint="put quotes around a number",
                )
        for name in ("labels", "annotations"):
            if not isinstance(self.metadata.get(name), dict | Pending | None):
                yield self._mistake(f"metadata.{name} is not a map", path=("metadata", name))
        annotations = self.metadata.get("annotations")
        wait = annotations.get(WAIT) if isinstance(annotations, dict) else None
        if isinstance(wait, str) and not says_how_to_wait(wait):
            yield self._mistake(
                f"the annotation {WAIT} {wait!r} is neither 'disabled' nor a duration",
                path=("metadata", "annotations", WAIT),
                hint="write disabled, or how long to wait, such as 90s, 5m or 1h30m",
            )

    def _kind_mistakes(self) -> Iterator[Mistake]:
        group, version, kind = group_version_kind(self.tree)
        if not self.kinds.complete or self.kinds.find(group, kind, version=version):
            return
        api_version = self.tree["apiVersion"]
        served = [item.version for item in self.kinds.resources.get((group, kind), ())]
        if served:
            message = f"the cluster does not serve {kind} as {api_version}"
            versions = ", ".join(f"{group}/{item}".removeprefix("/") for item in served)
            yield self._mistake(message, path=("apiVersion",), hint=f"it serves {versions}")
            return
        if self.kinds.unanswered(group, kind):
            return  # whether there is such a kind cannot be known: planning says so
        yield self._mistake(
            f"the cluster has no kind {kind} in {api_version}",
            path=("kind",),
            hint=_unknown_kind_hint(self.kinds, group, kind),
        )

    def _with_namespace(self) -> dict[str, Tree]:
        group, _, kind = group_version_kind(self.tree)
        namespaced = self.kinds.namespaced(group, kind)
        metadata = {key: item for key, item in self.metadata.items() if key not in _NOT_KEPT}
        own = self.metadata.get("namespace") or None
        if namespaced is False or (namespaced is None and own is None):
            return {**self.tree, "metadata": metadata}
        chosen = own or self.namespace or _DEFAULT_NAMESPACE
        return {**self.tree, "metadata": {**metadata, "namespace": chosen}}

    def _ref(self, value: Mapping[str, Tree]) -> ObjectRef | None:
        metadata = value["metadata"]
        assert isinstance(metadata, dict)  # noqa: S101 - made above
        name, namespace = metadata["name"], metadata.get("namespace", "")
        if not (isinstance(name, str) and isinstance(namespace, str)):
            return None
        group, version, kind = group_version_kind(value)
        return ObjectRef(group=group, version=version, kind=kind, namespace=namespace, name=name)

    def _title(self, value: Mapping[str, Tree]) -> str:
        ref = self._ref(value)
        if ref:
            return str(ref)
        waits = ", ".join(pending_in(value["metadata"]))
        return f"{value['kind']} (known after apply: {waits})"

    def _mistake(self, message: str, *, path: Path, hint: str = "") -> Mistake:
        return Mistake(message=message, place=self.document.place(path), hint=hint)


def _unknown_kind_hint(kinds: Kinds, group: str, kind: str) -> str:
    elsewhere = sorted({key[0] for key in kinds.resources if key[1] == kind})
    if elsewhere:
        versions = [kinds.resources[name, kind][0] for name in elsewhere]
        found = ", ".join(f"{item.group}/{item.version}".removeprefix("/") for item in versions)
        return f"{kind} is served as {found}"
    same_group = [key[1] for key in kinds.resources if key[0] == group]
    otherwise = "add its CustomResourceDefinition to the stack, or install what brings it"
    return did_you_mean(kind, same_group, otherwise=otherwise)


def _normalised(
    value: dict[str, Tree], sensitive: frozenset[Path]
) -> tuple[dict[str, Tree], frozenset[Path]]:
    """Return the object as the server keeps it: no status, a Secret's texts under ``data``, and the like."""
    group, _, kind = group_version_kind(value)
    if "." not in group or group.endswith(".k8s.io"):
        value = {key: item for key, item in value.items() if key != "status"}
    match group, kind:
        case "rbac.authorization.k8s.io", "ClusterRole" if value.get("aggregationRule"):
            # The controller that gathers them overwrites whatever stands there, and owns the field.
            value = {key: item for key, item in value.items() if key != "rules"}
        case "apps", "Deployment":
            value = _without_null_strategy(value)
        case "", "Secret" if isinstance(value.get("stringData"), dict):
            return _with_encoded_data(value), frozenset(map(_moved_to_data, sensitive))
        case _:
            pass
    return value, sensitive


def _unlike_data(value: Mapping[str, Tree], sensitive: frozenset[Path]) -> frozenset[Path]:
    """Return what is secret and does not show it by its kind, as the data of a Secret do."""
    if group_version_kind(value)[::2] != ("", "Secret"):
        return sensitive
    return frozenset(path for path in sensitive if path[:1] != ("data",))


def _without_null_strategy(value: dict[str, Tree]) -> dict[str, Tree]:
    """Return a Deployment without ``rollingUpdate: null``, which other tools want beside ``type: Recreate``.

    A server-side apply has no such word, and keeps what is there.
    """
    spec = value.get("spec")
    strategy = spec.get("strategy") if isinstance(spec, dict) else None
    if not (isinstance(spec, dict) and isinstance(strategy, dict)):
        return value
    if strategy.get("rollingUpdate", ...) is not None:
        return value
    kept = {key: item for key, item in strategy.items() if key != "rollingUpdate"}
    return {**value, "spec": {**spec, "strategy": kept}}


def _with_encoded_data(value: dict[str, Tree]) -> dict[str, Tree]:
    texts, data = value["stringData"], value.get("data")
    encoded = (
        {key: _encoded(item) for key, item in texts.items()} if isinstance(texts, dict) else {}
    )
    kept = {key: item for key, item in value.items() if key != "stringData"}
    return {**kept, "data": {**(data if isinstance(data, dict) else {}), **encoded}}


def _encoded(item: Tree) -> Tree:
    return base64.b64encode(item.encode()).decode() if isinstance(item, str) else item


def _moved_to_data(path: Path) -> Path:
    return ("data", *path[1:]) if path[:1] == ("stringData",) else path

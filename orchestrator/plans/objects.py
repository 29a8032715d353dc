"""Kubernetes objects as plans and the ledger name them: references, owners, and what a stack owns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.stack.model import Json, UnitId

_BUILT_IN_GROUPS = frozenset({"", "apps", "autoscaling", "batch", "extensions", "policy"})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ObjectRef:
    """Which object: its group, kind, namespace (empty for a cluster-wide kind) and name.

    The API version is carried for requests and is no part of the identity: two references that differ in it
    alone are equal and hash alike, since ``v1beta1`` and ``v1`` are two views of one object.
    """

    group: str
    kind: str
    namespace: str
    name: str
    version: str = field(compare=False)

    @property
    def api_version(self) -> str:
        """Return what a manifest's ``apiVersion`` says: ``apps/v1``, or ``v1`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified_kind(self) -> str:
        """Return the kind, followed by its group where Kubernetes itself does not define that group.

        ``Deployment``, but ``Service.serving.knative.dev``: custom kinds reuse the names of built-in ones.
        """
        built_in = self.group in _BUILT_IN_GROUPS or self.group.endswith(".k8s.io")
        return self.kind if built_in else f"{self.kind}.{self.group}"

    def __str__(self) -> str:
        """Return ``Kind namespace/name``, or ``Kind name`` for a cluster-wide object."""
        return f"{self.qualified_kind} {f'{self.namespace}/' if self.namespace else ''}{self.name}"

    def to_json(self) -> dict[str, Json]:
        """Return the form in which the ledger and saved plans keep a reference."""
        return {
            "group": self.group,
            "version": self.version,
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
        }

    @classmethod
    def from_json(cls, value: Json) -> "ObjectRef":
        """Read what ``to_json`` wrote; raises ValueError when it is something else."""
        fields = _mapping(value)
        return cls(
            group=_text(fields, "group"),
            version=_text(fields, "version"),
            kind=_text(fields, "kind"),
            namespace=_text(fields, "namespace"),
            name=_text(fields, "name"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose objects: a stack in one environment."""

    stack: str
    environment: str

    def __str__(self) -> str:
        """Return ``stack/environment``."""
        return f"{self.stack}/{self.environment}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class OwnedObject:
    """One object of the inventory: where it belongs, and the uid that it had when it was applied.

    The uid is empty while only an intent is known: to create it, or to delete it. ``fingerprint`` identifies
    what was applied last, so that Git's changes can be told from everybody else's.
    """

    ref: ObjectRef
    unit: UnitId
    uid: str = ""
    fingerprint: str = ""

    def to_json(self) -> dict[str, Json]:
        """Return the form in which the ledger keeps it: the reference's fields, with unit, uid, fingerprint."""
        return {
            **self.ref.to_json(),
            "unit": self.unit,
            "uid": self.uid,
            "fingerprint": self.fingerprint,
        }

    @classmethod
    def from_json(cls, value: Json) -> "OwnedObject":
        """Read what ``to_json`` wrote; raises ValueError when it is something else."""
        fields = _mapping(value)
        return cls(
            ref=ObjectRef.from_json(value),
            unit=UnitId(_text(fields, "unit")),
            uid=_text(fields, "uid"),
            fingerprint=_text(fields, "fingerprint"),
        )


def _mapping(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        message = f"an object is kept as a mapping, not as {type(value).__name__}"
        raise ValueError(message)
    return value


def _text(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        message = f"an object's {name} is a text, not {value!r}"
        raise ValueError(message)
    return value

"""Who else says that an object is theirs: another stack, a deployment tool, a controller. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from orchestrator.plans.objects import Owner
from orchestrator.stack.model import Json
from orchestrator.workloads.live import Live, mapping
from orchestrator.workloads.ownership import owner_of

Texts: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Whose an object is: ``id`` as ``adopt:`` names it, and as people know it.

    ``managers`` are the names under which the owner sets fields; ``consequence`` says what it goes on doing.
    """

    id: str
    title: str
    consequence: str
    managers: frozenset[str] = frozenset()

    def allowed_by(self, patterns: Iterable[str]) -> bool:
        """Whether any of the patterns names this owner."""
        return any(fnmatchcase(self.id, pattern) for pattern in patterns)


def claim_of(live: Live, owner: Owner) -> Claim | None:
    """Return who else owns an object, or None when it is ``owner``'s or nobody's.

    What carries our marks is ours, whatever marks of others it has kept.
    """
    if owner_of(live) == owner:
        return None
    fields = mapping(live, "metadata")
    found = _Marks(
        labels=_texts(fields.get("labels")),
        annotations=_texts(fields.get("annotations")),
        owners=[item for item in _list(fields.get("ownerReferences")) if isinstance(item, dict)],
        stack=owner_of(live),
    )
    return next((claim for one in _CLAIMS for claim in one(found)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Marks:
    labels: Texts
    annotations: Texts
    owners: list[dict[str, Json]]
    stack: Owner | None


def _of_stack(marks: _Marks) -> Iterator[Claim]:
    if marks.stack is not None:
        yield Claim(
            id=f"orchestrator/{marks.stack}",
            title=str(marks.stack),
            consequence=f"remove it there, or {marks.stack} can no longer be planned",
        )


def _of_controller(marks: _Marks) -> Iterator[Claim]:
    for item in marks.owners:
        if item.get("controller") is True:
            name = f"{item.get('kind')}/{item.get('name')}"
            yield Claim(
                id=f"controller/{name}",
                title=f"the {item.get('kind')} {item.get('name')}, which controls it",
                consequence="its controller sets it back, and deletes it together with its owner",
            )


def _of_flux(marks: _Marks) -> Iterator[Claim]:
    kinds = {
        "kustomize": ("Kustomization", "kustomize.toolkit.fluxcd.io/prune: disabled"),
        "helm": ("HelmRelease", "helm.sh/resource-policy: keep"),
    }
    for word, (kind, mark) in kinds.items():
        name = marks.labels.get(f"{word}.toolkit.fluxcd.io/name")
        if name:
            space = marks.labels.get(f"{word}.toolkit.fluxcd.io/namespace", "")
            yield Claim(
                id=f"flux/{space}/{name}",
                title=f"the {kind} {space}/{name} of Flux",
                consequence=f"remove it there first, with {mark} on it, or Flux sets it back and deletes it",
                managers=frozenset({"kustomize-controller", "helm-controller", "helm"}),
            )


def _of_argo(marks: _Marks) -> Iterator[Claim]:
    tracked = marks.annotations.get("argocd.argoproj.io/tracking-id", "").partition(":")[0]
    name = tracked or marks.labels.get("argocd.argoproj.io/instance")
    if name:
        yield Claim(
            id=f"argocd/{name}",
            title=f"the Application {name} of Argo CD",
            consequence="remove it there first, with argocd.argoproj.io/sync-options: Prune=false on it, "
            "or Argo CD sets it back and prunes it",
            managers=frozenset({"argocd-controller", "argocd-application-controller"}),
        )


def _of_helm(marks: _Marks) -> Iterator[Claim]:
    name = marks.annotations.get("meta.helm.sh/release-name")
    if name and marks.labels.get("app.kubernetes.io/managed-by") == "Helm":
        space = marks.annotations.get("meta.helm.sh/release-namespace", "")
        yield Claim(
            id=f"helm/{space}/{name}",
            title=f"the release {space}/{name} of Helm",
            consequence="remove it from the chart first, with helm.sh/resource-policy: keep on it, "
            "or its next upgrade or uninstall changes or deletes it",
            managers=frozenset({"helm", "Helm"}),
        )


def _of_kapp(marks: _Marks) -> Iterator[Claim]:
    name = marks.labels.get("kapp.k14s.io/app")
    if name:
        yield Claim(
            id=f"kapp/{name}",
            title=f"the app {name} of kapp",
            consequence="remove it there first, with kapp.k14s.io/delete-strategy: orphan on it, "
            "or kapp sets it back and deletes it",
            managers=frozenset({"kapp"}),
        )


def _of_kluctl(marks: _Marks) -> Iterator[Claim]:
    name = marks.labels.get("kluctl.io/discriminator")
    if name:
        yield Claim(
            id=f"kluctl/{name}",
            title=f"the deployment {name} of Kluctl",
            consequence="remove it there first, with kluctl.io/skip-delete: true on it, "
            "or Kluctl sets it back and prunes it",
            managers=frozenset({"kluctl", "kluctl-controller"}),
        )


_CLAIMS: Final[tuple[Callable[[_Marks], Iterator[Claim]], ...]] = (
    _of_stack,
    _of_controller,
    _of_flux,
    _of_argo,
    _of_helm,  # after those that run it and keep its marks
    _of_kapp,
    _of_kluctl,
)


def _texts(value: Json) -> Texts:
    found = value if isinstance(value, dict) else {}
    return {key: item for key, item in found.items() if isinstance(item, str)}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []

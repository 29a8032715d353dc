"""The parts of a stack as typed data, read from what was written.

They are read leniently: what has the wrong shape is left out, because ``shape`` tells of it, so that everything
else can still be checked and all mistakes are told at once.
"""

from collections.abc import Collection, Iterator

from orchestrator.stack.model import (
    Cluster,
    Conflicts,
    Drift,
    HealthRule,
    Ignored,
    Json,
    Ledger,
    LedgerStore,
    ManifestSet,
    Module,
    Rights,
    Risk,
    State,
    Terraform,
    UnitId,
    Wait,
)
from orchestrator.stack.written.durations import seconds
from orchestrator.stack.written.sections import Section


def read_state(section: Section) -> State:
    """Read ``state:``."""
    config = section.below("config").values
    return State(backend=section.text("backend") or "local", config=config, places=section.places())


def read_cluster(section: Section) -> Cluster:
    """Read ``cluster:``."""
    values = section.values
    return Cluster(
        sandbox=values.get("sandbox") is True,
        context=values.get("context"),
        kubeconfig=values.get("kubeconfig"),
        server=values.get("server"),
        certificate_authority=values.get("certificate_authority"),
        token=values.get("token"),
        exec=section.texts("exec"),
        places=section.places(),
    )


def read_terraform(section: Section, asker: str = "the stack") -> Terraform:
    """Read ``terraform:``; ``asker`` is who says so."""
    timeout = section.text("timeout")
    return Terraform(
        binary=section.text("binary"),
        version=section.text("version"),
        environment=section.texts("environment"),
        timeout=seconds(timeout) if timeout else None,
        asker=asker,
    )


def read_ledger(section: Section) -> Ledger:
    """Read ``ledger:``; nothing said means Git, and the repository's remote when there is one."""
    store = section.text("store")
    return Ledger(
        store=LedgerStore(store) if store in set(LedgerStore) else LedgerStore.GIT,
        remote=None if section.values.get("remote") is False else section.text("remote"),
        path=section.text("path"),
        namespace=section.text("namespace"),
        context=section.text("context"),
        kubeconfig=section.text("kubeconfig"),
        places=section.places(),
    )


def read_risks(section: Section) -> dict[str, Risk]:
    """Read ``risks:``, by resource type, kind or pattern of them."""
    return {name: Risk(str(risk)) for name, risk in section.values.items() if risk in set(Risk)}


def read_module(section: Section, known: Collection[UnitId]) -> Module:
    """Read one entry of ``modules:``; ``known`` are the stack's units, for the names in ``needs``."""
    name, engine = str(section.path[-1]), section.below("terraform")
    return Module(
        name=name,
        source=section.text("source"),
        version=section.text("version"),
        terraform=read_terraform(engine, f"modules.{name}") if engine.values else None,
        inputs=section.below("inputs").values,
        needs=tuple(_need(name, known, "modules") for name in section.texts("needs")),
        protect=section.flag("protect"),
        places=section.places(),
    )


def read_manifests(section: Section, known: Collection[UnitId]) -> ManifestSet:
    """Read one entry of ``manifests:``; ``known`` are the stack's units, for the names in ``needs``."""
    drift = section.text("drift")
    return ManifestSet(
        name=str(section.path[-1]),
        path=section.text("path"),
        namespace=section.values.get("namespace"),
        needs=tuple(_need(name, known, "manifests") for name in section.texts("needs")),
        protect=section.flag("protect"),
        wait=_wait(section),
        drift=Drift(drift) if drift in set(Drift) else Drift.HEAL,
        ignore=tuple(_ignored(section)),
        rights=_rights(section),
        places=section.places(),
    )


def _rights(section: Section) -> Rights:
    conflicts = section.text("conflicts")
    return Rights(
        conflicts=Conflicts(conflicts) if conflicts in set(Conflicts) else Conflicts.FAIL,
        adopt=section.texts("adopt"),
        replace=section.values.get("replace") is True,
    )


def _ignored(section: Section) -> Iterator[Ignored]:
    """Read ``ignore:``; an entry that is no map, or names no paths, is left out."""
    found = section.values.get("ignore")
    for entry in found if isinstance(found, list) else ():
        values = entry if isinstance(entry, dict) else {}
        texts = {key: value for key, value in values.items() if isinstance(value, str)}
        paths = values.get("paths")
        yield Ignored(
            paths=tuple(path for path in paths if isinstance(path, str))
            if isinstance(paths, list)
            else (),
            group=texts.get("group", ""),
            kind=texts.get("kind", ""),
            namespace=texts.get("namespace", ""),
            name=texts.get("name", ""),
        )


def _wait(section: Section) -> Wait:
    if section.values.get("wait") is False:
        return Wait(enabled=False)
    written = section.below("wait")
    timeout, health = written.text("timeout"), written.values.get("health")
    rules = tuple(_health_rules(health if isinstance(health, list) else []))
    return Wait(timeout=seconds(timeout) if timeout else Wait().timeout, health=rules)


def _health_rules(written: list[Json]) -> Iterator[HealthRule]:
    """Read ``health:``; an entry that is no map keeps its place."""
    for entry in written:
        values = entry if isinstance(entry, dict) else {}
        texts = {key: value for key, value in values.items() if isinstance(value, str)}
        yield HealthRule(
            kind=texts.get("kind", ""),
            group=texts.get("group", ""),
            condition=texts.get("condition", ""),
            healthy=texts.get("healthy", ""),
            failed=texts.get("failed", ""),
        )


def _need(name: str, known: Collection[UnitId], kind: str) -> UnitId:
    """Return the unit that a name in ``needs`` means: an id, or a name, of the same kind if there is one."""
    other = "manifests" if kind == "modules" else "modules"
    candidates = (UnitId(name), UnitId(f"{kind}.{name}"), UnitId(f"{other}.{name}"))
    return next((unit for unit in candidates if unit in known), candidates[0])

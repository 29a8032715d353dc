"""Terraform's plug-in cache, filled by one unit at a time.

Terraform does not lock it, and damages it when two fill it at once: a package is hashed while another process
still writes it, and the lock file then never fits. OpenTofu locks it from 1.10 on. One lock in the cache itself
holds for every checkout and container of a user that shares it.

What is in it is never written anew, since somebody may be running it. So a unit without a lock file takes what is
there, and one whose lock file does not know that (it may only know the package as it was packed, or another
system's) gets a copy of its own. OpenTofu compares what is there with what it would install, and then takes it.

What an initialisation that did not end well has put there is removed: it may be half of a package, which units
without a lock file would take for a whole one.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from orchestrator.infrastructure.binary import Product
from orchestrator.infrastructure.layout.occupancy import DOWNLOAD_SECONDS, held
from orchestrator.infrastructure.layout.private import make_private
from orchestrator.infrastructure.running.run import Ended
from orchestrator.infrastructure.workspace import Workspace

_LOCK = ".orchestrator.lock"
_FILLING = ".orchestrator.filling"
"""Made before the cache is filled and removed afterwards; where it is left over, the one who made it was killed."""
_PACKAGES = "*/*/*/*/*"  # registry, namespace, type, version and platform
_NOT_KNOWN = "Failed to install provider from shared cache"
_NOT_THE_SAME = "existing cached package at"
_SETTING = re.compile(r"""^\s*plugin_cache_dir\s*=\s*"([^"]+)"\s*(?:#.*|//.*)?$""", re.MULTILINE)
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")


@contextmanager
def alone_in_plugin_cache(workspace: Workspace) -> Iterator[tuple[int, ...]]:
    """Hold the cache that an initialisation would fill, if there is one; raises TerraformError, Interrupted.

    What it is held by is for the engine to keep: an engine that outlives us goes on to fill the cache. What is
    raised inside says that the initialisation did not end well.
    """
    site = workspace.site
    with ExitStack() as holding:
        keeps: tuple[int, ...] = ()
        folder = plugin_cache(site.settings.environment, site.settings.home, site.binary.product)
        if folder is not None:
            writable = _is_writable(folder)
            place = folder if writable else make_private(site.settings.cache)
            lock = held(place / _LOCK, site, workspace.unit, patience=DOWNLOAD_SECONDS)
            keeps = (holding.enter_context(lock),)
            if writable:
                holding.enter_context(_filling(folder))
        yield keeps


@contextmanager
def _filling(cache: Path) -> Iterator[None]:
    mark = cache / _FILLING
    _remove_since(mark, cache)
    mark.touch(mode=0o600)
    try:
        yield
    except BaseException:
        _remove_since(mark, cache)
        raise
    finally:
        mark.unlink(missing_ok=True)


def _remove_since(mark: Path, cache: Path) -> None:
    """Remove the packages that were written in after the mark was made, if there is one."""
    if not mark.exists():
        return
    began = mark.stat().st_mtime_ns
    for package in cache.glob(_PACKAGES):
        if package.is_symlink():
            continue  # into a folder of providers that were there before
        written = (path.lstat().st_ctime_ns for path in (package, *package.rglob("*")))
        if package.is_dir() and max(written) > began:
            shutil.rmtree(package)


def does_not_fit(ended: Ended) -> bool:
    """Whether an initialisation failed over a package in the cache that its lock file does not know."""
    return any(
        one.summary.startswith(_NOT_KNOWN) or _NOT_THE_SAME in " ".join(one.detail.split())
        for one in ended.diagnostics
    )


def own_plugin_cache(workspace: Workspace) -> Mapping[str, str]:
    """Return the variables with which an engine takes a cache that no other unit uses, and that is empty."""
    folder = workspace.data / "plugins"
    shutil.rmtree(folder, ignore_errors=True)
    return {"TF_PLUGIN_CACHE_DIR": str(make_private(folder))}


def plugin_cache(environment: Mapping[str, str], home: Path, product: Product) -> Path | None:
    """Return the directory that the engine shares plug-ins in, as its environment or its CLI configuration says."""
    if environment.get("TF_PLUGIN_CACHE_DIR"):
        return Path(environment["TF_PLUGIN_CACHE_DIR"]).expanduser()
    text = ""
    with suppress(OSError, UnicodeDecodeError):
        text = _configuration(environment, home, product).read_text(encoding="utf-8")
    found = _SETTING.search(text)
    if found is None:
        return None
    known = _VARIABLE.sub(lambda name: environment.get(name[1], ""), found[1])
    return home / known.removeprefix("~/") if known.startswith("~/") else Path(known)


def _configuration(environment: Mapping[str, str], home: Path, product: Product) -> Path:
    """Return the CLI configuration that the engine reads."""
    named = environment.get("TF_CLI_CONFIG_FILE") or environment.get("TERRAFORM_CONFIG")
    if named:
        return Path(named)
    own = home / ".tofurc"
    if product is Product.OPENTOFU and own.exists():
        return own
    return home / ".terraformrc"


def _is_writable(folder: Path) -> bool:
    with suppress(OSError):
        (folder / _LOCK).touch(mode=0o600)
        return True
    return False

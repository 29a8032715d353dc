"""The image of the Dockerfile, built as it is written, without a daemon, from a Debian in place of what cannot be had.

The stages start from images of a registry; here they are given, as build arguments, images that are made of Debian's
own packages and of the machine's Terraform. All else is what the Dockerfile says. What does not change from one
run to the next is kept in the cache.
"""

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Final

from orchestrator.settings import Settings
from tests.end_to_end.pods.programs import pause_program
from tests.stacks.checkout import ROOT

IMAGE: Final = "localhost/orchestrator:test"
PAUSE: Final = "localhost/pause:test"
_PYTHON: Final = "localhost/python:debian"
_TERRAFORM: Final = "localhost/terraform:machine"
_RELEASE: Final = "trixie"
_PACKAGES: Final = ("ca-certificates", "python-is-python3", "python3", "python3-venv")
# What this machine needs to reach package registries, and the image is not to have.
_LENT: Final = ("/etc/pip.conf", "/etc/ssl/certs", "/usr/local/share/ca-certificates")
# Each build leaves a dozen steps, by which the next is shorter; of old ones some are thrown away.
_MANY: Final = 60


class Builder:
    """Images in a folder of the cache."""

    def __init__(self, settings: Settings) -> None:
        """Use the cache's folder."""
        self._folder = settings.cache / "images"
        self._folder.mkdir(parents=True, exist_ok=True)

    def image(self, archive: Path) -> Path:
        """Build the Dockerfile's image and write it to an archive."""
        if len(self._run("images", "--all", "--quiet").splitlines()) > _MANY:
            self._run("rmi", "--prune", "--force")
        self._python()
        self._from_files(_TERRAFORM, {"/bin/terraform": _terraform()})
        lent = [
            word
            for place in _LENT
            if Path(place).exists()
            for word in ("-v", f"{place}:{place}:ro")
        ]
        given = ("--build-arg", f"PYTHON={_PYTHON}", "--build-arg", f"TERRAFORM={_TERRAFORM}")
        self._run(
            "build", "--layers", "--isolation", "chroot", *given, *lent, "-t", IMAGE, str(ROOT)
        )
        return self._archived(IMAGE, archive)

    def pause(self, archive: Path) -> Path:
        """Write the image of what holds a Pod to an archive."""
        settings = ("--entrypoint", '["/pause"]', "--user", "65535:65535")
        self._from_files(PAUSE, {"/pause": pause_program()}, *settings)
        return self._archived(PAUSE, archive)

    def _python(self) -> None:
        """Make what stands for Python's image: the release of Debian that this is of, with that release's Python."""
        if self._has(_PYTHON):
            return
        system = self._folder / "python.tar"
        packages = f"--include={','.join(_PACKAGES)}"
        unsafe = "--dpkgopt=force-unsafe-io"
        _ended(
            "mmdebstrap", "--quiet", "--variant=minbase", unsafe, packages, _RELEASE, str(system)
        )
        self._from_files(_PYTHON, {"/": system})
        system.unlink()

    def _from_files(self, name: str, files: dict[str, Path], *settings: str) -> None:
        """Make an image of nothing but files; an archive is unpacked."""
        digest = hashlib.sha256(
            "\0".join(f"{to}\0{_seen(file)}" for to, file in files.items()).encode()
        )
        if self._has(f"{name}-{digest.hexdigest()[:12]}") and self._has(name):
            return
        container = self._run("from", "scratch")
        for to, file in files.items():
            self._run("add", "--quiet", container, str(file), to)
        if settings:
            self._run("config", *settings, container)
        self._run("commit", "--quiet", "--rm", container, name)
        self._run("tag", name, f"{name}-{digest.hexdigest()[:12]}")

    def _has(self, name: str) -> bool:
        return bool(self._run("images", "--quiet", "--filter", f"reference={name}"))

    def _archived(self, name: str, archive: Path) -> Path:
        self._run("push", "--quiet", name, f"docker-archive:{archive}:{name}")
        return archive

    def _run(self, *arguments: str) -> str:
        root, run = self._folder / "storage", self._folder / "run"
        storage = ("--root", str(root), "--runroot", str(run), "--storage-driver", "overlay")
        # In a space of its own, or mounts are left behind.
        return _ended("unshare", "--mount", "buildah", *storage, *arguments)


def _terraform() -> Path:
    found = shutil.which("terraform")
    assert found, "the image has Terraform of this machine, which has none"
    return Path(found).resolve()


def _seen(file: Path) -> str:
    status = file.stat()
    return f"{file} {status.st_size} {status.st_mtime_ns}"


def _ended(*words: str) -> str:
    ended = subprocess.run(
        words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert ended.returncode == 0, f"{words}: {ended.stdout[-3000:]}{ended.stderr[-5000:]}"
    return ended.stdout.strip()

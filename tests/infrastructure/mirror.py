"""A folder of providers to install from; nothing in it can be run."""

import random
import zipfile
from pathlib import Path

ADDRESS = "registry.example.test/acme/nothing"
"""The one provider that it has."""


def requiring(constraint: str) -> str:
    """Return a module that requires the provider."""
    return (
        "terraform {\n  required_providers {\n    nothing = {\n"
        f'      source  = "{ADDRESS}"\n      version = "{constraint}"\n    }}\n  }}\n}}\n'
    )


class Mirror:
    """A folder of providers that the engine installs from; the programs in it do nothing."""

    def __init__(self, folder: Path, platform: str) -> None:
        self._folder = folder / "mirror"
        self._platform = platform
        self.configuration = folder / "mirror.rc"
        self.configuration.write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{self._folder}"\n  }}\n}}\n'
        )

    def add(self, version: str, command: str = "exit 1") -> None:
        """Put a version into the mirror, with what its program does."""
        program = (
            self._folder
            / ADDRESS
            / version
            / self._platform
            / f"terraform-provider-nothing_v{version}"
        )
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\n# {version}\n{command}\n")
        program.chmod(0o755)

    def pack(self, version: str, *, megabytes: int) -> None:
        """Put a version into the mirror as a registry gives it: packed, and of some size."""
        file = self.packed(version)
        file.parent.mkdir(parents=True, exist_ok=True)
        content = random.Random(version).randbytes(megabytes * 1024 * 1024)
        with zipfile.ZipFile(file, "w") as archive:
            info = zipfile.ZipInfo(f"terraform-provider-nothing_v{version}")
            info.external_attr = 0o755 << 16
            archive.writestr(info, content)

    def packed(self, version: str) -> Path:
        """Return where a packed version is."""
        name = f"terraform-provider-nothing_{version}_{self._platform}.zip"
        return self._folder / ADDRESS / name

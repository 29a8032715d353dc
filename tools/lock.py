"""Write the lock files anew from pyproject.toml: what `make lock` does.

Versions stay as they are locked where they still fit; with `--upgrade`, the newest that fit
together are chosen. The developers' file is resolved first, and the product's file takes its
versions, so that the tests run what users run. Hashes are in the files, addresses are not: where
packages come from is the reader's own setting.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib

from tools.environment import EMBEDDED, LOCKS, ROOT, VENV, uv_environment

_COMPILE = (
    *(str(VENV / "bin" / "uv"), "pip", "compile", "--quiet", "--no-config", "--universal"),
    *("--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-emit-index-url"),
    *("--custom-compile-command", "make lock"),
)


def main(*options: str) -> int:
    """Resolve and write the three lock files."""
    dev, run = LOCKS["dev"].name, LOCKS["run"].name
    _compile("pyproject.toml", "--group", "dev", "--group", "build", "-o", dev, *options)
    _compile("pyproject.toml", "--group", "build", "-c", dev, "-o", run, *options)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = "\n".join(project["optional-dependencies"]["embedded"])
    _compile("-", "--no-deps", "-o", EMBEDDED.name, *options, given=wanted)
    return 0


def _compile(*options: str, given: str | None = None) -> None:
    environment = uv_environment()
    command = (*_COMPILE, *options)
    subprocess.run(command, check=True, cwd=ROOT, env=environment, input=given, text=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

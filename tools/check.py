"""Run every static check at once and show each one's findings: what `make check` does."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BIN = Path(sys.executable).parent
CHECKS = {
    "format": ("ruff", "format", "--check", "--quiet", "--diff"),
    "lint": ("ruff", "check", "--quiet"),
    "types": ("mypy", "--no-error-summary"),
    "imports": ("lint-imports", "--no-cache", "--no-logo"),
}


def main() -> int:
    """Run the checks side by side, print each result as it comes, return the exit code."""
    with ThreadPoolExecutor(len(CHECKS)) as pool:
        return max(pool.map(_check, CHECKS))


def _check(name: str) -> int:
    began = time.monotonic()
    program, *options = CHECKS[name]
    result = subprocess.run(
        (str(BIN / program), *options),
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    verdict = "failed" if result.returncode else "ok"
    heading = f"{name:8} {verdict:6} {time.monotonic() - began:5.1f} s\n"
    sys.stdout.write(heading + (result.stdout if result.returncode else ""))
    sys.stdout.flush()
    return min(result.returncode, 1)


if __name__ == "__main__":
    sys.exit(main())

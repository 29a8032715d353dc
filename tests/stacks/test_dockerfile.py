"""The Dockerfile, by the rules that a linter of such files has, and by what it copies.

It is built, and run in real Pods, by tests/end_to_end/pods, where a machine allows it.
"""

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stacks.checkout import ROOT
from tools.environment import uv_environment

_TEXT = (ROOT / "Dockerfile").read_text()
_KNOWN = {
    "ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "VOLUME", "USER", "ENTRYPOINT", "CMD"
}  # fmt: skip


def _instructions(text: str) -> list[tuple[str, str]]:
    """Return what a Dockerfile has line by line, continued lines as one, without comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    split = (line.split(None, 1) for line in joined.splitlines() if line.strip())
    return [(word, rest) for word, rest in split]


_FILE = _instructions(_TEXT)


def _all(word: str) -> list[str]:
    return [rest for name, rest in _FILE if name == word]


def _last_stage() -> list[tuple[str, str]]:
    begin = max(place for place, (word, _) in enumerate(_FILE) if word == "FROM")
    return _FILE[begin:]


def test_every_line_is_an_instruction() -> None:
    """It is read as the builder reads it; the first stage begins after what may be given."""
    assert {word for word, _ in _FILE} == _KNOWN
    assert [word for word, _ in _FILE[:3]] == ["ARG", "ARG", "FROM"]


@pytest.mark.integration
def test_its_linter_finds_nothing() -> None:
    """It knows what is risky or wasteful in such a file, and in the scripts of its commands."""
    linter = str(Path(sys.executable).with_name("hadolint"))
    words = (linter, "--no-color", "--failure-threshold", "style", str(ROOT / "Dockerfile"))
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


def test_what_it_starts_from_is_named_exactly_and_can_be_given_by_digest() -> None:
    """No stage starts from whatever is newest, and whoever builds can pin each."""
    given = dict(each.split("=", 1) for each in _all("ARG"))
    stages = [stage.split(" AS ")[-1] for stage in _all("FROM")]
    for stage in _all("FROM"):
        image = stage.split(" AS ", maxsplit=1)[0]
        assert image in stages or image.strip("${}") in given, image
    for image in given.values():
        _, _, tag = image.partition(":")
        assert re.match(r"\d+\.\d+", tag), image


def test_what_runs_is_not_root_and_a_cluster_can_tell() -> None:
    """The user is a number, the same that the manifests ask for, and owns the one folder that is written to."""
    (user,) = _all("USER")
    install: list[Any] = list(yaml.safe_load_all((ROOT / "stacks/agent/install.yaml").read_text()))
    (pod,) = [each["spec"]["template"]["spec"] for each in install if each["kind"] == "Deployment"]
    assert user == f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    after = _last_stage()[[word for word, _ in _last_stage()].index("USER") :]
    assert {word for word, _ in after} <= {"USER", "WORKDIR", "ENTRYPOINT", "CMD"}
    mounts = {
        each["mountPath"]
        for each in pod["containers"][0]["volumeMounts"]
        if not each.get("readOnly")
    }
    (volumes,) = _all("VOLUME")
    assert set(yaml.safe_load(volumes)) == mounts


def test_the_user_has_a_name() -> None:
    """OpenSSH does nothing at all for a number that no name belongs to."""
    number = _all("USER")[0].partition(":")[0]
    assert any(f"useradd --uid {number} " in run for run in _all("RUN"))


def test_the_root_file_system_may_be_read_only() -> None:
    """Home and cache are below what is mounted, and nothing is compiled when it runs."""
    words = dict(each.split("=", 1) for each in _all("ENV")[0].split())
    (volumes,) = _all("VOLUME")
    for name in ("HOME", "ORCHESTRATOR_CACHE"):
        assert words[name].startswith(f"{yaml.safe_load(volumes)[0]}/"), name
    assert words["PYTHONDONTWRITEBYTECODE"] == "1"
    assert any("compileall" in run for run in _all("RUN"))


def test_all_that_is_installed_is_pinned_by_its_hash() -> None:
    """Pip takes nothing but what the lock file names, and the project itself from what was copied."""
    commands = [part for run in _all("RUN") for part in run.split(" && ") if "pip install" in part]
    assert len(commands) == 3
    for command in commands:
        assert "--no-cache-dir" in command
        assert ("--require-hashes" in command) != ("--no-index" in command)


@pytest.mark.soak
@pytest.mark.parametrize("platform", ["aarch64-manylinux_2_40", "x86_64-manylinux_2_40"])
def test_each_pin_can_be_had_on_each_platform(platform: str, tmp_path: Path) -> None:
    """The registry has all that is locked, with these hashes, compiled for the platforms that the image is for."""
    version = re.search(r"python:(\d+\.\d+)", _TEXT)
    assert version
    uv = str(Path(sys.executable).with_name("uv"))
    words = (
        *(uv, "pip", "install", "--dry-run", "--no-config", "--target", str(tmp_path)),
        *("--python-platform", platform, "--python-version", version[1], "--require-hashes"),
        # The one that comes as source is in Python alone.
        *("--only-binary", ":all:", "--no-binary", "python-terraform"),
        *("--requirement", str(ROOT / "requirements.lock")),
    )
    ended = subprocess.run(
        words, env=uv_environment(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "python-terraform" in ended.stderr


def test_packages_of_the_system_leave_no_lists_behind() -> None:
    """One layer updates, installs without what is only recommended, and clears away."""
    (run,) = [run for run in _all("RUN") if "apt-get" in run]
    assert [part.split()[0:2] for part in run.split(" && ")] == [
        ["apt-get", "update"], ["apt-get", "install"], ["rm", "-rf"]
    ]  # fmt: skip
    assert "--no-install-recommends" in run
    assert {"git", "gnupg", "openssh-client"} <= set(run.split())


def test_commands_are_given_as_lists() -> None:
    """Signals reach the process itself: no shell stands between."""
    for word in ("ENTRYPOINT", "CMD"):
        (said,) = _all(word)
        assert isinstance(yaml.safe_load(said), list), word
    (entry,) = _all("ENTRYPOINT")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert yaml.safe_load(entry)[0] in project["scripts"]


@pytest.mark.parametrize("sources", [each.split() for each in _all("COPY")], ids=" ".join)
def test_what_is_copied_is_there_and_not_left_out(sources: list[str]) -> None:
    """Each file is in the repository, and the list of what is sent to the builder has it."""
    *found, _ = sources
    if found[0].startswith("--from="):
        stages = [stage.split(" AS ")[-1] for stage in _all("FROM")]
        assert found[0].removeprefix("--from=") in stages
        return
    sent = [
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    for name in found:
        assert (ROOT / name).exists(), name
        assert any(fnmatch(name.removeprefix("./"), pattern) for pattern in sent), name


def test_no_layer_holds_a_secret() -> None:
    """Nothing that is given to the build is one, and no file of credentials is sent to the builder."""
    assert not re.search(r"(?i)(password|secret|token|api_?key)\s*=", _TEXT)
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"

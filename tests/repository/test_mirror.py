"""The agent's own clone: real Git over HTTP with credentials from files, and over what stands for SSH."""

import os
from pathlib import Path

import pytest

from orchestrator.errors import RepositoryError
from orchestrator.processes import Stop
from orchestrator.repository.mirror import Mirror, Origin, make_mirror
from orchestrator.settings import Settings
from tests.git import commit_file, git, make_remote, make_repository
from tests.repository.git_server import serving
from tests.repository.ssh_server import fingerprint, known_host, make_key, serving_ssh

pytestmark = pytest.mark.integration

_MAIN = "refs/heads/main"


def _origin(url: str, **more: Path | str) -> Origin:
    return Origin(url=url, author="agent", mail="agent@example.org", **more)  # type: ignore[arg-type]


def _heads(mirror: Mirror) -> dict[str, str]:
    return dict(mirror.heads((_MAIN, "refs/orchestrator/*"), patience=60, stop=Stop()))


def test_credentials_come_from_files_that_rotate(tmp_path: Path) -> None:
    """What is shown to a remote is read each time, and stands neither in the clone's settings nor in a message."""
    work = make_repository(tmp_path / "work")
    remote = make_remote(tmp_path / "served" / "shop.git", of=work)
    git(remote, "config", "http.receivepack", "true")
    secret = tmp_path / "password"
    secret.write_text("first\n", encoding="utf-8")
    with serving(tmp_path / "served", user="agent", password="first") as server:
        origin = _origin(f"{server.address}/shop.git", username="agent", password_file=secret)
        mirror = make_mirror(tmp_path / "mirror", origin, Settings.read())
        head = git(work, "rev-parse", "HEAD")
        assert _heads(mirror) == {_MAIN: head}
        assert mirror.fetch("main", patience=60, stop=Stop()).commit == head
        server.password = "second"
        with pytest.raises(RepositoryError, match="does not accept the credentials") as refused:
            _heads(mirror)
        assert "first" not in f"{refused.value.message}{refused.value.hint}{refused.value.detail}"
        secret.write_text("second\n", encoding="utf-8")
        assert _heads(mirror) == {_MAIN: head}
        wrong = server.wrong
        assert wrong
        for take_away in (lambda: secret.write_text("\n"), secret.unlink):
            take_away()
            with pytest.raises(RepositoryError) as lost:
                _heads(mirror)
            assert lost.value.message.startswith(f"the password file {secret} is not there")
        assert server.wrong == wrong, "nothing is shown while there is nothing to show"
        assert "second" not in (tmp_path / "mirror" / ".git" / "config").read_text()


def test_a_key_and_known_hosts_are_handed_to_ssh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over SSH nothing is asked, only the key that is named is shown, and only hosts that are named are known."""
    remote = make_remote(tmp_path / "shop.git", of=make_repository(tmp_path / "work"))
    programs, said = tmp_path / "programs", tmp_path / "said"
    programs.mkdir()
    ssh = programs / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$@" >> {said}\neval "exec $(eval echo \\${{$#}})"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    key, hosts = tmp_path / "key with a space", tmp_path / "hosts"
    origin = _origin(f"ssh://git@example.org{remote}", ssh_key_file=key, known_hosts_file=hosts)
    mirror = make_mirror(tmp_path / "mirror", origin, Settings.read())
    assert _MAIN in _heads(mirror)
    words = said.read_text(encoding="utf-8")
    assert f"-o BatchMode=yes -i {key} -o IdentitiesOnly=yes -o UserKnownHostsFile={hosts}" in words


@pytest.mark.download
def test_a_real_server_is_known_by_its_key_and_knows_us_by_ours(tmp_path: Path) -> None:
    """Over SSH a repository is read and written; a host that shows another key is refused, and so is our wrong one."""
    work = make_repository(tmp_path / "work")
    remote = make_remote(tmp_path / "shop.git", of=work)
    head = git(work, "rev-parse", "HEAD")
    with serving_ssh(tmp_path / "ssh") as server:

        def asked(*, key: Path = server.key, hosts: Path = server.known_hosts) -> dict[str, str]:
            origin = _origin(server.url(remote), ssh_key_file=key, known_hosts_file=hosts)
            return _heads(make_mirror(tmp_path / "mirror", origin, Settings.read()))

        assert asked() == {_MAIN: head}
        other = make_key(tmp_path / "other")
        with pytest.raises(RepositoryError, match="does not accept the credentials"):
            asked(key=other)
        unknown, changed = tmp_path / "unknown", tmp_path / "changed"
        unknown.write_text("", encoding="utf-8")
        with pytest.raises(
            RepositoryError, match=r"the host of origin is not known: No \S+ host key"
        ):
            asked(hosts=unknown)
        changed.write_text(known_host(server.port, other), encoding="utf-8")
        shown = fingerprint(server.host)
        with pytest.raises(RepositoryError) as refused:
            asked(hosts=changed)
        assert refused.value.message == (
            f"the host of origin shows another key than the one at {changed}:1: {shown}"
        )
        assert "by another way" in refused.value.hint
        assert unknown.read_text(encoding="utf-8") == ""


def test_nothing_is_checked_out_and_only_the_branch_is_fetched(tmp_path: Path) -> None:
    """A clone is for reading revisions: it follows one branch wherever that is pushed, and has no files of its own."""
    work = make_repository(tmp_path / "work")
    remote = make_remote(tmp_path / "shop.git", of=work)
    git(work, "push", "--quiet", "origin", "main:other")
    mirror = make_mirror(tmp_path / "mirror", _origin(remote.as_uri()), Settings.read())
    first = mirror.fetch("main", patience=60, stop=Stop())
    rewritten = commit_file(work, "file", "else", subject="Change")
    git(work, "push", "--quiet", "--force", "origin", f"{rewritten}:main")
    again = make_mirror(tmp_path / "mirror", _origin(remote.as_uri()), Settings.read())
    assert again.fetch("main", patience=60, stop=Stop()).commit == rewritten
    assert [file.name for file in (tmp_path / "mirror").iterdir()] == [".git"]
    refs = git(tmp_path / "mirror", "for-each-ref", "--format=%(refname)")
    assert refs == "refs/remotes/origin/main"
    tree = again.repository.export(first)
    assert (tree / "README.md").exists()
    assert not (tree / "file").exists()


def test_a_branch_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Nothing is taken for a revision that is none."""
    remote = make_remote(tmp_path / "shop.git", of=make_repository(tmp_path / "work"))
    mirror = make_mirror(tmp_path / "mirror", _origin(remote.as_uri()), Settings.read())
    with pytest.raises(RepositoryError):
        mirror.fetch("nowhere", patience=60, stop=Stop())
    assert _heads(mirror).keys() == {_MAIN}


def test_what_a_killed_process_left_behind_is_removed(tmp_path: Path) -> None:
    """Lock files that are old, and half a clone; what somebody may be writing just now stays."""
    work = make_repository(tmp_path / "work")
    remote = make_remote(tmp_path / "shop.git", of=work)
    mirror, origin = tmp_path / "mirror", _origin(remote.as_uri())
    make_mirror(mirror, origin, Settings.read()).fetch("main", patience=60, stop=Stop())
    git_directory = mirror / ".git"
    names = [
        *("config", "packed-refs", "refs/remotes/origin/main", "objects/maintenance"),
        *("objects/info/commit-graphs/commit-graph-chain", "objects/pack/multi-pack-index"),
    ]
    old = [git_directory / f"{name}.lock" for name in names]
    new = git_directory / "refs/remotes/origin/other.lock"
    for file in (*old, new):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    for file in old:
        os.utime(file, (file.stat().st_mtime - 90,) * 2)
    (git_directory / "HEAD").unlink()
    moved = _origin(remote.as_uri(), username="other")
    make_mirror(mirror, moved, Settings.read()).fetch("main", patience=60, stop=Stop())
    assert sorted(git_directory.rglob("*.lock")) == [new]


def test_a_lock_in_the_way_is_not_the_remotes_trouble(tmp_path: Path) -> None:
    """What nothing has to be written for works, and else the file is named, and not the remote."""
    work = make_repository(tmp_path / "work")
    remote = make_remote(tmp_path / "shop.git", of=work)
    origin, settings = _origin(remote.as_uri()), Settings.read()
    make_mirror(tmp_path / "mirror", origin, settings)
    git_directory = tmp_path / "mirror" / ".git"
    (git_directory / "config.lock").touch()
    mirror = make_mirror(tmp_path / "mirror", origin, settings)
    with pytest.raises(RepositoryError, match=r"git config failed: .*could not lock"):
        make_mirror(tmp_path / "mirror", _origin("elsewhere"), settings)
    lock = git_directory / "refs" / "remotes" / "origin" / "main.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    with pytest.raises(RepositoryError, match=rf"git fetch failed: the lock file {lock} is in the"):
        mirror.fetch("main", patience=60, stop=Stop())

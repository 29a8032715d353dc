"""Real Git repositories for tests, each in a directory of its own."""

import os
import subprocess
from pathlib import Path

_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Ada Lovelace",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada Lovelace",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


def git(directory: Path, *arguments: str, stdin: str = "") -> str:
    """Run Git, as a user would, and return its output without the last line's end."""
    done = subprocess.run(
        ("git", "-c", "protocol.file.allow=always", *arguments),
        cwd=directory,
        env={**os.environ, **_ENVIRONMENT},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.rstrip("\n")


def make_repository(directory: Path) -> Path:
    """Make a repository with one commit, on the branch main."""
    directory.mkdir(parents=True, exist_ok=True)
    git(directory, "init", "--quiet", "--initial-branch=main")
    commit_file(directory, "README.md", "a project\n", subject="Begin the project")
    return directory


def commit_file(directory: Path, name: str, content: str, *, subject: str = "Change a file") -> str:
    """Write and commit a file, and return the commit's id."""
    file = directory / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
    git(directory, "add", "--", name)
    git(directory, "commit", "--quiet", "--message", subject)
    return git(directory, "rev-parse", "HEAD")


def make_remote(directory: Path, *, of: Path) -> Path:
    """Make a bare repository and push the branch main of another one to it, as its origin."""
    directory.mkdir(parents=True)
    git(directory, "init", "--quiet", "--bare", "--initial-branch=main")
    git(of, "remote", "add", "origin", directory.as_uri())
    git(of, "push", "--quiet", "origin", "main")
    return directory


def make_clone(remote: Path, directory: Path, *options: str) -> Path:
    """Clone a remote."""
    git(remote, "clone", "--quiet", *options, remote.as_uri(), str(directory))
    return directory

"""The agent's file: what it means, and every mistake at once, each with its place."""

import json
import subprocess
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from orchestrator.agent.configuration.load import load_configuration
from orchestrator.agent.configuration.model import Configuration, Vanished
from orchestrator.errors import InvalidStack, UsageError
from orchestrator.settings import Settings
from orchestrator.stack.model import Drift

_SMALL = """
    version: 1
    repositories:
      shop: {url: "https://git.example.org/shop.git"}
"""

_MISTAKES = """\
2:9 listen must be text, not the number 8080 | put quotes around it: "8080"
3:1 unknown key 'poll' | known here: defaults, directory, leader, limits, listen, name, \
notifications, repositories, retry, version, workers
4:18 limits.memory '2 GB' is not an amount of memory | write one such as 512MiB or 2GiB
4:30 limits.time 'soon' is not a duration | write one such as 30s, 5m or 1h30m
5:16 the first wait is longer than the longest | `most` is at least as long as `first`
7:20 defaults.service_account 'deployer' names no service account | write NAMESPACE/NAME, such as shop/deployer
8:19 there is no time zone 'Mars/Olympus' | write its IANA name, such as Europe/Berlin or UTC
11:10 the address holds a password | write it to a file: credentials.username and credentials.password_file
12:13 nobody is named whose commits are taken | name a file with ssh or gpg, or remove it
13:14 webhooks are told nowhere | add 'listen: "0.0.0.0:8080"' at the top
13:21 repositories.shop.webhook.kind must be github, gitlab, gitea or generic, not 'bitbucket' | known here: generic, \
gitea, github, gitlab
14:14 'Shop' cannot be a name: a name has lower-case letters, digits and '-' only, not at its ends | \
did you mean 'shop'?
16:10 the address begins with a dash | write it in full
17:29 a username goes with a password_file | name the file, or remove the username
"""


def _load(root: Path, text: str) -> Configuration:
    file = root / "agent.yaml"
    file.write_text(dedent(text).lstrip(), encoding="utf-8")
    return load_configuration(file, Settings.read())


def _mistakes(root: Path, text: str) -> list[str]:
    with pytest.raises(InvalidStack) as refused:
        _load(root, text)
    return [
        f"{each.place.line}:{each.place.column} {each.message} | {each.hint}"
        for each in refused.value.mistakes
        if each.place
    ]


def test_a_small_file_means_the_usual(tmp_path: Path) -> None:
    """A repository and nothing else: all its stacks, healed, with bounds of time and memory."""
    found = _load(tmp_path, _SMALL)
    assert (found.name, found.workers, found.listen) == ("agent", 4, "")
    shop = found.repositories["shop"]
    assert (shop.branch, shop.poll, shop.signed, shop.stacks) == ("main", 60.0, None, None)
    settings = shop.settings_of("whatever")
    assert settings is not None
    assert (settings.drift.policy, settings.vanished) == (Drift.HEAL, Vanished.KEEP)
    assert settings.drift.workloads == 300.0
    assert not settings.approval


def test_objects_in_no_namespace_are_allowed_by_an_empty_text(tmp_path: Path) -> None:
    """That is how cluster-wide objects are named among the namespaces of a repository."""
    found = _load(tmp_path, f"{_SMALL.rstrip()[:-1]}, allow: {{namespaces: [shop, '']}}}}\n")
    assert found.repositories["shop"].allowed.namespaces == ("shop", "")


def test_a_stack_says_what_is_different_for_it(tmp_path: Path) -> None:
    """What a stack says is over the defaults, key by key; a stack that is not named is none of the agent's business."""
    found = _load(
        tmp_path,
        """
        version: 1
        directory: data
        limits: {memory: 512MiB}
        defaults: {approval: true, drift: {policy: report, workloads: 1m}}
        repositories:
          shop:
            url: https://git.example.org/shop.git
            credentials: {password_file: secrets/token}
            stacks:
              shop: {approval: false, drift: {infrastructure: false}, environments: [production]}
              tools:
        """,
    )
    assert found.directory == tmp_path / "data"
    assert found.limits.memory == 512 * 1024**2
    shop = found.repositories["shop"]
    assert shop.credentials.password_file == tmp_path / "secrets/token"
    own, tools = shop.settings_of("shop"), shop.settings_of("tools")
    assert own is not None
    assert tools is not None
    assert (own.approval, own.environments) == (False, ("production",))
    assert (own.drift.policy, own.drift.workloads) == (Drift.REPORT, 60.0)
    assert own.drift.infrastructure is None
    assert (tools.approval, tools.environments) == (True, None)
    assert shop.settings_of("other") is None


def test_a_port_that_is_none_is_a_mistake(tmp_path: Path) -> None:
    """The last one is 65535."""
    assert _load(tmp_path, _SMALL + '    listen: "[::]:65535"').listen == "[::]:65535"
    (mistake,) = _mistakes(tmp_path, _SMALL + '    listen: "127.0.0.1:65536"')
    assert mistake == "4:9 there is no port 65536 | such as 8080"


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """Each with its place and what to write instead."""
    found = _mistakes(
        tmp_path,
        """
        version: 1
        listen: 8080
        poll: 1m
        limits: {memory: 2 GB, time: soon}
        retry: {first: 1h, most: 1m}
        defaults:
          service_account: deployer
          windows: {zone: Mars/Olympus}
        repositories:
          shop:
            url: https://agent:hunter2@git.example.org/shop.git
            signed: {}
            webhook: {kind: bitbucket, secret_file: hook}
            stacks: {Shop: {}}
          tools:
            url: --upload-pack=x
            credentials: {username: agent}
        """,
    )
    assert "\n".join(found) + "\n" == _MISTAKES


_UNWORKABLE = """\
2:10 workers cannot be 65 | write 64 or less
3:16 time cannot be as short as 0s | write 1s or more
3:27 grace cannot be as short as 10ms | write 1s or more
3:41 no run gets by on 1MiB | give it 64MiB or more, such as 2GiB
4:16 first cannot be as short as 0s | write 0.1s or more
4:26 most cannot be as short as 0s | write 0.1s or more
4:40 retry.attempts cannot be 0 | write 1 or more
5:31 workloads cannot be as short as 0m | write 0.1s or more
8:10 Git knows no address that begins with htps:// | did you mean 'https://'?
9:13 '-x..y' cannot be the name of a branch | write it as `git branch` shows it, such as main; not a tag, a commit \
or a pattern
10:11 poll cannot be as short as 0s | write 0.1s or more
11:13 no stack is named here | name one, or remove 'stacks' to keep all of them, as `defaults` say
14:12 no stack is named here | name one, or remove 'stacks' to keep all of them, as `defaults` say
17:44 infrastructure cannot be as short as 1ms | write 0.1s or more
"""


def test_what_cannot_work_is_a_mistake(tmp_path: Path) -> None:
    """Times and amounts that leave room for nothing, addresses and branches that no Git has, and nobody to keep."""
    found = _mistakes(
        tmp_path,
        """
        version: 1
        workers: 65
        limits: {time: 0s, grace: 10ms, memory: 1MiB}
        retry: {first: 0s, most: 0s, attempts: 0}
        defaults: {drift: {workloads: 0m, infrastructure: false}}
        repositories:
          shop:
            url: htps://git.example.org/shop.git
            branch: -x..y
            poll: 0s
            stacks: {}
          tools:
            url: git@git.example.org:tools.git
            stacks:
          others:
            url: codecommit://others
            stacks: {web: {drift: {infrastructure: 1ms}}}
        """,
    )
    assert "\n".join(found) + "\n" == _UNWORKABLE


def test_a_repository_may_be_kept_below_a_folder(tmp_path: Path) -> None:
    """Stacks elsewhere in it are none of the agent's business, also of those that are named."""
    text = f"{_SMALL.rstrip()[:-1]}, path: ./teams/shop/, stacks: {{web: {{}}}}}}\n"
    shop = _load(tmp_path, text).repositories["shop"]
    assert shop.path == "teams/shop"
    assert shop.keeps("web", "teams/shop/web/stack.yaml")
    assert not shop.keeps("web", "teams/shopping/web/stack.yaml")
    assert not shop.keeps("app", "teams/shop/app/stack.yaml")
    assert _load(tmp_path, _SMALL).repositories["shop"].keeps("any", "stacks/any/stack.yaml")
    for path, told in (
        ("/teams", "leads out of the repository"),
        ("a/../../b", "leads out of the repository"),
        ("teams/*", "is no folder"),
        ("teams/stack.yaml", "is no folder"),
    ):
        (mistake,) = _mistakes(tmp_path, f"{_SMALL.rstrip()[:-1]}, path: {path}}}\n")
        assert told in mistake


_ONE = "git@git.example.org:acme/shop.git"
_TWICE = [
    ({"branch": "live"}, {}, "all stacks"),
    ({"stacks": {"shop": {"environments": ["live", "test"]}}}, {}, "shop/live"),
    ({"stacks": {"shop": {}}}, {"stacks": {"shop": {}, "web": {}}}, "shop/*"),
    ({"stacks": {"shop": {"environments": ["live"]}}}, {"stacks": {"shop": {}}}, "shop/live"),
    ({"path": "a"}, {"path": "a/b/", "stacks": {"web": {}}}, "web/*"),
    ({"path": "a", "stacks": {"web": {}}}, {"path": "b", "stacks": {"web": {}}}, "web/*"),
]
_ONCE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"stacks": {"shop": {}}}, {"stacks": {"web": {}}}),
    (
        {"stacks": {"shop": {"environments": ["live"]}}},
        {"stacks": {"shop": {"environments": ["test"]}}},
    ),
    ({"path": "a"}, {"path": "ab"}),
    ({"path": "a"}, {"path": "b", "stacks": {"web": {}}}),
    ({"url": "https://git.example.org:8443/acme/shop"}, {}),
    ({"url": "https://git.example.org/acme/shops"}, {}),
]


def _two(first: dict[str, Any], second: dict[str, Any]) -> str:
    repositories = {"one": {"url": _ONE, **first}, "two": {"url": _ONE, **second}}
    return json.dumps({"version": 1, "repositories": repositories})


@pytest.mark.parametrize(("first", "second", "what"), _TWICE)
def test_a_stack_is_kept_by_one(
    first: dict[str, Any], second: dict[str, Any], what: str, tmp_path: Path
) -> None:
    """Two that name one repository would change a stack to and fro, each to its branch, as its ledger is one."""
    (mistake,) = _mistakes(tmp_path, _two(first, second))
    assert f"one keeps {what} as well, of the same repository" in mistake


@pytest.mark.parametrize(("first", "second"), _ONCE)
def test_a_repository_may_be_named_once_more(
    first: dict[str, Any], second: dict[str, Any], tmp_path: Path
) -> None:
    """For other stacks or environments of it, or other folders."""
    assert len(_load(tmp_path, _two(first, second)).repositories) == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.org/acme/shop.git/",
        "ssh://git@GIT.example.org/acme/shop",
        "git.example.org:acme/shop",
    ],
)
def test_one_repository_may_be_written_in_several_ways(url: str, tmp_path: Path) -> None:
    """The host and the path say which it is."""
    assert "as well, of the same" in _mistakes(tmp_path, _two({"url": url}, {}))[0]


_BRANCHES = ("main", "release/1.0", "a@b", "user/x.y", "0", "ünder", "@")
_NO_BRANCHES = (
    *("-x", "a..b", "a b", "a:b", "refs/*", "/a", "a/", "a//b", "a.lock", "a.lock/b", "a/.b", "a."),
    *("HEAD", "a@{1}", "a~1", "a^", "a?", "a[b", "a\\b", "a\x7f"),
)


@pytest.mark.parametrize("names", [_BRANCHES, _NO_BRANCHES], ids=["taken", "refused"])
def test_a_branch_has_a_name_that_git_takes(names: tuple[str, ...], tmp_path: Path) -> None:
    """As Git itself says of it, told before anything is asked."""
    for name in names:
        asked = ["git", "check-ref-format", "--branch", name]
        taken = subprocess.run(asked, check=False, capture_output=True).returncode == 0
        assert taken is (names is _BRANCHES), name
        text = f"{_SMALL.rstrip()[:-1]}, branch: {json.dumps(name)}}}\n"
        if taken:
            assert _load(tmp_path, text).repositories["shop"].branch == name
        else:
            assert "cannot be the name of a branch" in _mistakes(tmp_path, text)[0]


def test_a_name_in_an_address_may_be_a_token(tmp_path: Path) -> None:
    """Over HTTP forges take a token in its place; it is shown to nobody. Over SSH it is a user's name."""
    file = tmp_path / "agent.yaml"
    text = "version: 1\nrepositories: {shop: {url: %s}}\n"
    file.write_text(text % "https://ghp-hunter2@git.example.org/shop.git", encoding="utf-8")
    with pytest.raises(InvalidStack) as refused:
        load_configuration(file, Settings.read())
    (mistake,) = refused.value.mistakes
    assert mistake.message == "the address holds a user, which may be a token"
    assert mistake.place
    assert mistake.place.text == ""
    file.write_text(text % "ssh://git@git.example.org/shop.git", encoding="utf-8")
    assert load_configuration(file, Settings.read()).repositories


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("version: 1\n", "'repositories' is missing"),
        ("version: 1\nrepositories:\n", "there is no repository"),
        ("version: 2\nrepositories: {}\n", "version 2 of the format is not known"),
    ],
)
def test_a_file_that_says_nothing_is_refused(text: str, told: str, tmp_path: Path) -> None:
    """An agent that would watch nothing says so, and does not begin."""
    assert any(told in each for each in _mistakes(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The mistake is in the call then."""
    with pytest.raises(UsageError, match=r"cannot read agent\.yaml"):
        load_configuration(tmp_path / "agent.yaml", Settings.read())


def test_replicas_need_a_namespace_and_a_bearable_lease(tmp_path: Path) -> None:
    """What is said of replicas: where their Leases are, and after how long one is taken for dead."""
    found = _load(tmp_path, _SMALL + "    leader: {namespace: shared, kubeconfig: config}\n").leader
    assert found is not None
    assert (found.namespace, found.kubeconfig, found.lease) == ("shared", tmp_path / "config", 15)
    told = "\n".join(_mistakes(tmp_path, _SMALL + "    leader: {namespace: Shared, lease: 1s}\n"))
    assert "4:21 leader.namespace 'Shared' is no name of a namespace" in told
    assert "4:36 a replica that died would be missed too soon, or too late | give it 3s to" in told

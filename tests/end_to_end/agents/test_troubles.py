"""What an agent needs fails it: it says what it waits for, goes on by itself, and applies nothing twice."""

import functools
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orchestrator.sandbox import Sandbox
from tests.agent.test_serving import ask
from tests.end_to_end.agents.keeper import Keeper, told
from tests.end_to_end.agents.lines import Line, line_to
from tests.end_to_end.agents.test_the_agent import NEVER_READY
from tests.end_to_end.commands import eventually, held
from tests.end_to_end.ending_early.ledgers import InGit
from tests.end_to_end.stacks import config_map, deployment, documents, stack_file
from tests.end_to_end.world import World, declare_held
from tests.forked.command import ORCHESTRATOR
from tests.repository.git_server import serving

pytestmark = pytest.mark.integration

_DAY = 24 * 3600
_IN_A_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")


def _text(world: World) -> str:
    return world.data("greeting")["text"] if world.exists("ConfigMap", "greeting") else ""


def _says(world: World, text: str) -> bool:
    return _text(world) == text


def _say(keeper: Keeper, text: str, subject: str = "Say something else") -> str:
    keeper.world.manifests("shop/texts.yaml", config_map("greeting", {"text": text}))
    return keeper.push(subject)


def _applied(keeper: Keeper) -> list[str]:
    """Return the revisions that were applied, as the ledger has them, the first one first."""
    ledger = InGit(root=keeper.remote, name=keeper.world.name)
    entries = [record.entry for record in ledger.records()]
    return [
        each["run"]["revision"]["commit"] for each in entries if each.get("outcome") == "applied"
    ]


@pytest.fixture
def line(keeper: Keeper, sandbox: Sandbox) -> Iterator[Line]:
    """Have the agent's stack reach its cluster by a line."""
    through = keeper.home / "kubeconfig"
    with line_to(sandbox.kubeconfig, through) as line:
        _declare(keeper.world, through)
        keeper.push("Reach the cluster by a line")
        yield line


def _declare(world: World, kubeconfig: Path) -> None:
    shop = {"shop": {"path": "shop", "namespace": world.name}}
    world.declare(None, shop, cluster={"kubeconfig": str(kubeconfig)})


def test_an_api_server_that_is_down(keeper: Keeper, world: World, line: Line) -> None:
    """What was pushed meanwhile is applied once, when it is back, and the agent said that it cannot be reached."""
    running = keeper.start()
    eventually(lambda: _text(world) == "hello", "the first commit")
    line.cut()
    pushed = _say(keeper, "welcome")
    said = running.await_line("cannot be reached")
    assert json.loads(said)["end"] == "failed"
    line.lead()
    eventually(lambda: keeper.applied(pushed), "the second commit")
    assert _text(world) == "welcome"
    assert _applied(keeper).count(pushed) == 1


def test_git_that_is_down(keeper: Keeper, world: World) -> None:
    """Over HTTP, with a password that changes meanwhile: it is not ready, says why, and goes on."""
    folder, secret = keeper.remote.parent, keeper.home / "password"
    secret.write_text("whisper\n")
    with serving(folder, user="agent", password="whisper") as server:
        credentials = {"username": "agent", "password_file": "password"}
        address = {"url": f"{server.address}/remote.git", "credentials": credentials}
        keeper.tell(listen="127.0.0.1:0", repository=address)
        running = keeper.start()
        port = json.loads(running.await_line('"agent listens"'))["port"]
        eventually(lambda: _text(world) == "hello", "the first commit")
    assert "shop" in json.loads(running.await_line('"repository does not answer"'))["repository"]
    missed = (503, "shop: does not answer\n")
    eventually(lambda: ask(port, "GET", "/readyz") == missed, "it to say so")
    assert ask(port, "GET", "/healthz")[0] == 200
    pushed = _say(keeper, "welcome")
    secret.write_text("whisper it again\n")
    with serving(folder, user="agent", password="whisper it again", port=server.server_port):
        eventually(lambda: keeper.applied(pushed), "the second commit")
        eventually(lambda: ask(port, "GET", "/readyz")[0] == 200, "it to be ready")
        running.signal(signal.SIGTERM)
        ended = running.end()
    assert ended.code == 0
    assert "whisper" not in ended.said
    assert _applied(keeper).count(pushed) == 1


@pytest.mark.parametrize("taken", [0, 2])
def test_a_remote_that_takes_no_ledger(keeper: Keeper, world: World, taken: int) -> None:
    """From the first push on, or once something was done: nothing that was not recorded is done again."""
    assert keeper.once().code == 0
    hook, counted = keeper.remote / "hooks" / "pre-receive", keeper.remote / "counted"
    refuse = f'n=$(cat {counted} 2>/dev/null || echo 0); echo $((n + 1)) > {counted}; [ "$n" -lt {taken} ]'
    hook.write_text(
        "#!/bin/sh\nread -r _ _ ref; case $ref in refs/heads/*) exit 0;; esac\n"
        f"{refuse} || {{ echo 'not today' >&2; exit 1; }}\n"
    )
    hook.chmod(0o755)
    pushed = _say(keeper, "welcome")
    running = keeper.start()
    said = json.loads(running.await_line("refused the push"))
    assert said["end"] in {"failed", "interrupted"}
    assert _text(world) == ("welcome" if taken else "hello")
    version = world.object("ConfigMap", "greeting")["metadata"]["resourceVersion"]
    hook.unlink()
    eventually(lambda: pushed in _applied(keeper), "the ledger to have it")
    eventually(lambda: not keeper.locks(), "the lock to be given back")
    after = world.object("ConfigMap", "greeting")["metadata"]["resourceVersion"]
    assert (after == version) == bool(taken), "what was done is not done again"
    assert _applied(keeper).count(pushed) == 1


_ON_A_SMALL_DISK = 'mount -t tmpfs -o size=4m tmpfs "$1" && exec "$2" agent'


def test_a_disk_that_is_full(keeper: Keeper, world: World) -> None:
    """All that the agent keeps lies on it: it says so, and goes on when there is room again."""
    disk = keeper.home / "agent"
    disk.mkdir()
    keeper.tell(repository={"poll": "1s"})
    with _started(keeper, _IN_A_NAMESPACE, _ON_A_SMALL_DISK, "disk", disk, ORCHESTRATOR) as agent:
        eventually(lambda: _text(world) == "hello", "the first commit")
        eventually(lambda: not keeper.locks(), "its end")
        inside = Path(f"/proc/{agent.pid}/root") / disk.relative_to("/")
        filler = inside / "filler"
        fill = ("dd", "if=/dev/zero", f"of={filler}", "bs=512")
        subprocess.run(fill, capture_output=True, check=False)
        pushed = _say(keeper, "welcome")
        log = keeper.home / "log"
        full = "no space left|disk is full|could not write"
        eventually(lambda: re.search(full, log.read_text(), re.IGNORECASE), "it to say so")
        filler.unlink()
        eventually(lambda: keeper.applied(pushed), "the second commit")
        assert _applied(keeper).count(pushed) == 1
        assert "Traceback" not in log.read_text()


_WITH_A_CLOCK = """
cp -a /etc/. "$1" 2>/dev/null; echo "$2" > "$1/ld.so.preload" && mount --bind "$1" /etc && exec "$3" agent
"""


def test_a_clock_that_jumps(keeper: Keeper, world: World) -> None:
    """By days, forwards and backwards: commits are applied, drift is healed, all is well with it, and nothing twice."""
    away, library = keeper.home / "away", keeper.home / "clock.so"
    _set(away, 0)
    if not (compiler := shutil.which("cc")):
        pytest.skip("no C compiler for a clock of a test's own")
    source = Path(__file__).with_name("clock.c")
    options = ("-shared", "-fPIC", "-O2", f'-DAWAY="{away}"')
    subprocess.run((compiler, *options, "-o", library, source), check=True)
    etc = keeper.home / "etc"
    etc.mkdir()
    # It is waiting most of the time, so that the clock jumps while it waits.
    drift, poll = {"workloads": "2s"}, {"poll": "2s"}
    keeper.tell(listen="127.0.0.1:0", defaults={"drift": drift}, repository=poll)
    pushed = []
    with _started(keeper, _IN_A_NAMESPACE, _WITH_A_CLOCK, "clock", etc, library, ORCHESTRATOR):
        eventually(lambda: _text(world) == "hello", "the first commit")
        for days in (3, 0):  # before today the certificates would not hold yet
            _set(away, days * _DAY)
            text = f"{days} days away"
            pushed.append(_say(keeper, text))
            eventually(lambda: keeper.applied(pushed[-1]), text)
            world.patch("ConfigMap", "greeting", {"data": {"text": "overwritten"}})
            eventually(functools.partial(_says, world, text), f"{text} to be healed")
        log = (keeper.home / "log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert {line["timestamp"][:10] for line in lines} >= {_day(3), _day(0)}, "the clock did jump"
    assert [line for line in lines if line.get("end") == "failed"] == []
    ledger = InGit(root=keeper.remote, name=world.name).records()
    starts = [line for line in lines if line["event"] == "task started"]
    assert len(starts) <= len(ledger), "nobody is in a hurry"
    assert [each for each in dict.fromkeys(_applied(keeper)) if each in pushed] == pushed


def _set(away: Path, seconds: int) -> None:
    with away.open("r+b" if away.exists() else "wb") as file:  # which is mapped: never a new one
        file.write(struct.pack("l", seconds))


def _day(days: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * _DAY))


def test_a_stop_in_the_middle_of_terraform(keeper: Keeper, world: World, tmp_path: Path) -> None:
    """It is told to stop, and ends in its time: that is recorded, and nothing is locked; the next one finishes it."""
    folder = tmp_path / "held"
    folder.mkdir()
    declare_held(world, folder)
    pushed = keeper.push("Hold a module")
    running = keeper.start()
    held(folder)
    running.signal(signal.SIGTERM)
    ended = running.end()
    assert ended.code == 0, ended.said
    (task,) = told(ended, "task ended")
    assert task["end"] == "interrupted"
    assert keeper.ledger()[0].endswith("interrupted"), keeper.ledger()
    assert not keeper.locks()
    (folder / "go").touch()
    eventually(lambda: keeper.once().code == 0, "the next one to finish it")
    assert keeper.applied(pushed)


def test_a_run_that_does_not_end_in_its_grace(keeper: Keeper, world: World, tmp_path: Path) -> None:
    """It is killed, the agent ends all the same, and the next one takes over what was locked and finishes."""
    folder = tmp_path / "held"
    folder.mkdir()
    keeper.tell(limits={"grace": "1s"})
    declare_held(world, folder)
    pushed = keeper.push("Hold a module")
    running = keeper.start()
    held(folder)
    running.signal(signal.SIGTERM)
    ended = running.end(30)
    assert ended.code == 0, ended.said
    (folder / "go").touch()
    eventually(lambda: keeper.once().code == 0, "the next one to finish it")
    assert keeper.applied(pushed)
    assert not keeper.locks()


def _write_other(world: World, text: str) -> None:
    """Write another stack, which is looked at after the one of the world."""
    name = f"z-{world.name}"
    folder = world.root / "stacks" / name
    folder.mkdir(exist_ok=True)
    sets = {"texts": {"path": "texts.yaml", "namespace": world.name}}
    (folder / "stack.yaml").write_text(stack_file(name, manifests=sets))
    (folder / "texts.yaml").write_text(documents(config_map("other", {"text": text})))


def _other_says(world: World, text: str) -> bool:
    return world.exists("ConfigMap", "other") and world.data("other")["text"] == text


def test_a_stack_that_sticks_delays_no_other(keeper: Keeper, world: World) -> None:
    """While its rollout is waited for, the drift of another is healed and a commit of that applied; its run goes on."""
    world.manifests("shop/web.yaml", deployment("web", annotations=NEVER_READY))
    _write_other(world, "hello")
    keeper.tell(workers=2, defaults={"drift": {"workloads": "300ms"}})
    keeper.push("Break the web, and add another stack")
    running = keeper.start()
    eventually(lambda: world.exists("Deployment", "web"), "the rollout")
    eventually(lambda: _other_says(world, "hello"), "the other one")
    world.patch("ConfigMap", "other", {"data": {"text": "overwritten"}})
    eventually(lambda: _other_says(world, "hello"), "the other one to be healed")
    _write_other(world, "welcome")
    keeper.push("Welcome people elsewhere")
    eventually(lambda: _other_says(world, "welcome"), "the other one's commit")
    running.signal(signal.SIGTERM)
    ended = running.end()
    assert ended.code == 0, ended.said
    ends = [each["end"] for each in told(ended, "task ended") if each["stack"] == world.name]
    assert ends == ["interrupted"]


@pytest.mark.soak
def test_a_stack_that_hangs_delays_no_other(keeper: Keeper, world: World, tmp_path: Path) -> None:
    """What its ledger lies on hangs, as a share does whose server is gone: the drift of another is healed."""
    share = tmp_path / "share"
    share.mkdir()
    _write_other(world, "hello")
    shop = {"shop": {"path": "shop", "namespace": world.name}}
    world.declare(None, shop, ledger={"store": "directory", "path": str(share)})
    keeper.tell(limits={"grace": "1s"}, defaults={"drift": {"workloads": "2s"}})
    keeper.push("Add another")
    running = keeper.start()
    running.await_line('"end": "applied"')
    running.await_line('"end": "applied"')
    (head,) = share.rglob("head.json")
    head.unlink()
    os.mkfifo(head)
    world.patch("ConfigMap", "other", {"data": {"text": "overwritten"}})
    eventually(lambda: world.data("other")["text"] == "hello", "the other one to be healed")
    running.process.kill()
    running.process.communicate()
    eventually(lambda: not _at_work_in(keeper.home), "what hangs to end without its agent")


def _at_work_in(directory: Path) -> list[Path]:
    """Return the processes that work in a directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            if (process / "cwd").readlink().is_relative_to(directory):
                found.append(process)
    return found


@contextmanager
def _started(
    keeper: Keeper, program: tuple[str, ...], *arguments: object
) -> Iterator[subprocess.Popen[bytes]]:
    """Start an agent by another program for a block, with what it says in a log; it is told to stop at its end."""
    argv = (*program, *map(str, arguments))
    with (keeper.home / "log").open("wb") as log:
        process = subprocess.Popen(
            argv, cwd=keeper.home, env={**keeper.world.variables}, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)

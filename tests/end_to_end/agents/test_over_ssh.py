"""An agent whose repository is behind OpenSSH's own server."""

from pathlib import Path

import pytest

from tests.end_to_end.agents.keeper import Keeper, told
from tests.end_to_end.commands import eventually
from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World
from tests.repository.ssh_server import fingerprint, known_host, serving_ssh

pytestmark = [pytest.mark.integration, pytest.mark.download, pytest.mark.timeout(180)]


def test_a_commit_is_applied_and_recorded_over_ssh(
    keeper: Keeper, world: World, tmp_path: Path
) -> None:
    """With a key and the host's key from files it reads and writes; a host that shows another is not spoken to."""
    with serving_ssh(tmp_path / "ssh") as server:
        shown = {"ssh_key_file": str(server.key), "known_hosts_file": str(server.known_hosts)}
        keeper.tell(repository={"url": server.url(keeper.remote), "credentials": shown})
        running = keeper.start()
        eventually(lambda: len(keeper.ledger()) == 2, "the first commit")
        world.manifests("shop/texts.yaml", config_map("greeting", {"text": "welcome"}))
        commit = keeper.push("Welcome people")
        eventually(lambda: keeper.applied(commit), "the second commit")
        assert world.data("greeting") == {"text": "welcome"}
        assert keeper.locks() == ""
        running.process.send_signal(15)
        assert running.end().code == 0
        server.known_hosts.write_text(known_host(server.port, server.key), encoding="utf-8")
        refused = keeper.once()
        assert refused.code == 1, refused.said
        (line,) = told(refused, "repository does not answer")
        known = f"{server.known_hosts}:1"
        assert line["why"] == (
            f"the host of origin shows another key than the one at {known}: {fingerprint(server.host)}"
        )

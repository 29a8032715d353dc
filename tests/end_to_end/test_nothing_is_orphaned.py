"""Whatever dies, moves or goes missing in between: what was made is found again, and what is not ours is left."""

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from orchestrator.processes import Stop
from orchestrator.sandbox import Sandbox, down, up
from orchestrator.sandbox.programs import Programs
from orchestrator.settings import Settings
from tests.end_to_end.commands import eventually
from tests.end_to_end.stacks import ECHO, config_map, deployment, holding
from tests.end_to_end.world import World
from tests.forked.command import ORCHESTRATOR
from tests.sandbox.client import client_of

pytestmark = pytest.mark.integration


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder by which what is held is watched and let go."""
    chosen = tmp_path / "hold"
    chosen.mkdir()
    return chosen


def _flat(text: str) -> str:
    return " ".join(text.split())


def _shop(world: World, **settings: object) -> dict[str, object]:
    return {"shop": {"path": "shop", "namespace": world.name, **settings}}


def test_a_module_removed_after_its_first_apply_was_killed(world: World, folder: Path) -> None:
    """Its first try is in the ledger before the first effect, so that the removal destroys what it left."""
    world.write("modules/held/main.tf", holding(str(folder)))
    world.declare({"held": {"source": "./modules/held"}}, _shop(world))
    world.manifests("shop/texts.yaml", config_map("texts"))
    world.commit()
    running = world.start("apply", world.name, "--yes")
    eventually((folder / "started").exists, "the provisioner")
    running.signal(signal.SIGKILL)
    running.end()
    (folder / "go").touch()
    eventually(lambda: "terraform_data.before" in world.resources("held"), "Terraform's end")
    shutil.rmtree(world.root / "stacks" / world.name / "modules")
    world.declare({}, _shop(world))
    world.commit("Remove the module")

    world.apply()

    assert world.resources("held") == {}
    assert "modules.held" not in world.run("status", world.name).stdout


def test_a_destroy_without_the_state_destroys_nothing_and_forgets_nothing(world: World) -> None:
    """The resources are somewhere: saying that they are gone would lose them for good."""
    world.write("modules/base/main.tf", ECHO)
    world.declare({"base": {"source": "./modules/base", "inputs": {"text": "a"}}}, {})
    world.commit()
    world.apply()
    ledger = world.ledger()
    shutil.rmtree(world.root / ".orchestrator" / "state")

    refused = world.run("destroy", world.name, "--yes")

    assert refused.code == 1
    assert "its Terraform state is not here" in _flat(refused.stderr)
    assert "--acknowledge forget:modules.base" in _flat(refused.stderr)
    assert world.ledger() == ledger

    forgotten = world.run("destroy", world.name, "--yes", "--acknowledge", "forget:modules.base")

    assert forgotten.code == 0, forgotten.said
    assert "not applied yet" in world.run("status", world.name).stdout


def test_removed_modules_of_several_revisions_go_in_the_order_of_their_needs(world: World) -> None:
    """The one that needs the other goes first, whatever their names and whenever each was applied."""
    world.write("modules/base/main.tf", ECHO)
    net = {"source": "./modules/base", "inputs": {"text": "net"}}
    app = {"source": "./modules/base", "inputs": {"text": "${{ modules.a-net.text }}"}}
    world.declare({"a-net": net, "b-app": app}, _shop(world))
    world.manifests("shop/texts.yaml", config_map("texts"))
    world.commit()
    world.apply()
    world.write("modules/base/notes.tf", "# a newer revision\n")
    world.commit()
    world.apply("--only", "modules.a-net")
    world.declare({}, _shop(world))
    world.commit("Remove both")

    applied = world.apply()

    lines = [line for line in applied.stderr.splitlines() if "destroyed in" in line]
    assert [line.split(":")[0].strip() for line in lines] == ["modules.b-app", "modules.a-net"]


def test_a_removal_that_failed_is_done_by_the_next_apply(world: World, tmp_path: Path) -> None:
    """What is to be destroyed is read from where it was applied, however often the destroying failed."""
    obstacle = tmp_path / "obstacle"
    obstacle.touch()
    check = f"test ! -e {obstacle}"
    stubborn = f"""
resource "terraform_data" "stubborn" {{
  provisioner "local-exec" {{
    when    = destroy
    command = "{check}"
  }}
}}
"""
    world.write("modules/stubborn/main.tf", stubborn)
    world.declare({"stubborn": {"source": "./modules/stubborn"}}, _shop(world))
    world.manifests("shop/texts.yaml", config_map("texts"))
    world.commit()
    world.apply()
    world.declare({}, _shop(world))
    world.commit("Remove the module")

    assert world.run("apply", world.name, "--yes").code == 1
    world.commit("Something else")
    assert world.run("apply", world.name, "--yes").code == 1
    obstacle.unlink()
    world.apply("--retry")

    assert world.resources("stubborn") == {}


def test_what_moved_to_another_set_is_not_deleted_by_a_partial_apply(world: World) -> None:
    """Git declares the object, in a set that this plan leaves out: it stays until that set's turn."""
    sets = {name: {"path": name, "namespace": world.name} for name in ("former", "latter")}
    world.declare({}, sets)
    world.manifests("former/texts.yaml", config_map("moving"), config_map("staying"))
    world.manifests("latter/texts.yaml", config_map("waiting"))
    world.commit()
    world.apply()
    before = world.live()["moving"]["metadata"]["uid"]
    world.manifests("former/texts.yaml", config_map("staying"))
    world.manifests("latter/texts.yaml", config_map("waiting"), config_map("moving"))
    world.commit("Move an object")

    world.apply("--only", "manifests.former")
    assert world.live()["moving"]["metadata"]["uid"] == before
    world.apply()

    assert world.live()["moving"]["metadata"]["uid"] == before
    assert (
        world.live()["moving"]["metadata"]["annotations"]["orchestrator/unit"] == "manifests.latter"
    )


def test_what_another_stack_made_meanwhile_is_left_to_it(world: World, folder: Path) -> None:
    """The infrastructure took its time; before the workloads begin, the cluster is looked at once more."""
    world.write("modules/held/main.tf", holding(str(folder)))
    world.declare({"held": {"source": "./modules/held"}}, _shop(world))
    world.manifests("shop/texts.yaml", config_map("texts"))
    world.commit()
    running = world.start("apply", world.name, "--yes")
    eventually((folder / "started").exists, "the provisioner")
    labels = {"orchestrator/stack": "another", "orchestrator/environment": "default"}
    other = config_map("texts", {"colour": "theirs"}, labels=labels)
    world.cluster.create(f"/api/v1/namespaces/{world.name}/configmaps", other)
    (folder / "go").touch()

    ended = running.end()

    assert ended.code == 1, ended.said
    assert "belongs to another/default" in _flat(ended.said)
    assert world.data("texts") == {"colour": "theirs"}


def test_another_cluster_is_not_one_whose_objects_vanished(
    world: World, sandbox: Sandbox, sandbox_programs: Programs, tmp_path: Path
) -> None:
    """A changed context must not make the stack forget what runs elsewhere, or make all of it again."""
    del sandbox_programs
    second = up(tmp_path / "second", Settings.read(), on_progress=print, stop=Stop())
    try:
        _applied_by_kubeconfig(world, sandbox.kubeconfig)
        ledger = world.ledger()
        _applied_by_kubeconfig(world, second.kubeconfig, apply=False)

        refused = world.run("apply", world.name, "--yes")
        undone = world.run("destroy", world.name, "--yes")

        for ended in (refused, undone):
            assert ended.code == 1
            assert "this is not the cluster" in _flat(ended.stderr)
            assert "--acknowledge new-cluster" in _flat(ended.stderr)
        assert world.ledger() == ledger
        assert world.exists("ConfigMap", "texts")

        _namespace(second, world.name)
        world.apply("--acknowledge", "new-cluster")
        again = world.apply()

        path = f"/api/v1/namespaces/{world.name}/configmaps/texts"
        assert client_of(second.kubeconfig).request("GET", path)[0] == 200
        assert "Nothing to do" in again.stdout
    finally:
        down(tmp_path / "second", on_progress=print, stop=Stop())


def _applied_by_kubeconfig(world: World, kubeconfig: Path, *, apply: bool = True) -> None:
    world.declare({}, _shop(world), cluster={"kubeconfig": str(kubeconfig)})
    world.manifests("shop/texts.yaml", config_map("texts"))
    world.commit("Choose a cluster")
    if apply:
        world.apply()


def _namespace(sandbox: Sandbox, name: str) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    client_of(sandbox.kubeconfig).create("/api/v1/namespaces", namespace)


def test_a_reader_that_leaves_does_not_end_the_run(world: World) -> None:
    """With both streams in a pipe that closes once effects began, all is applied and recorded all the same."""
    world.write("modules/base/main.tf", ECHO)
    base = {"source": "./modules/base", "inputs": {"text": "a"}}
    world.declare({"base": base}, _shop(world))
    world.manifests("shop/texts.yaml", config_map("texts"))
    world.commit()

    command = f"{ORCHESTRATOR} apply {world.name} --yes 2>&1 | sed '/modules.base: applying/q'"
    subprocess.run(["sh", "-c", command], cwd=world.root, env=world.variables, check=True)

    eventually(lambda: world.exists("ConfigMap", "texts"), "the workloads")
    eventually(lambda: "created" in world.ledger()[0], "the last entry")
    assert world.locks() == ""


def test_no_plan_file_outlives_its_run(world: World) -> None:
    """Terraform's plan files hold secrets in clear text: they go also when the other half cannot be planned."""
    world.write("modules/base/main.tf", ECHO)
    base = {"source": "./modules/base", "inputs": {"text": "a"}}
    world.declare(
        {"base": base}, _shop(world), cluster={"server": "https://127.0.0.1:1", "token": "x"}
    )
    world.manifests("shop/texts.yaml", config_map("texts"))
    world.commit()

    assert world.run("plan", world.name).code == 1

    assert list((world.root / ".orchestrator").rglob("*.tfplan")) == []


def test_status_calls_healthy_only_what_was_waited_for(world: World) -> None:
    """A set that nobody waits for is applied, and that is all that is known of it."""
    world.declare({}, _shop(world, wait=False))
    broken = deployment("web", annotations={"sandbox.orchestrator/fail": "ImagePullBackOff"})
    world.manifests("shop/web.yaml", broken)
    world.commit()
    world.apply()
    world.commit("Nothing new")
    world.apply()

    status = world.run("status", world.name).stdout

    assert "healthy" not in status
    assert "unchanged" in status or "applied" in status


def test_deleting_what_holds_data_has_to_be_named(world: World) -> None:
    """A commit that drops a volume claim is refused with its name; naming the unit lets it pass."""
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "orders", "annotations": {"orchestrator/wait": "disabled"}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    world.declare({}, _shop(world))
    world.manifests("shop/texts.yaml", config_map("texts"))
    world.manifests("shop/claim.yaml", claim)
    world.commit()
    world.apply()
    (world.root / "stacks" / world.name / "shop/claim.yaml").unlink()
    world.commit("Drop the claim")
    ledger = world.ledger()

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert f"PersistentVolumeClaim {world.name}/orders" in _flat(refused.stderr)
    assert world.ledger() == ledger

    world.apply("--acknowledge", "destroy:manifests.shop")

    path = f"/api/v1/namespaces/{world.name}/persistentvolumeclaims/orders"
    assert world.cluster.request("GET", path)[0] == 404

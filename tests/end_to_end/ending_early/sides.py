"""A stack that goes from one side to the other with each commit, by all there is to do: and looks at what is there.

Each commit updates a module and an object, rolls out a Deployment that reads an output, makes a module, an object
and a Job, prunes those of the commit before, and destroys its module.
"""

from dataclasses import dataclass

from tests.end_to_end.ending_early.looking import seen_by_kubectl, seen_by_terraform
from tests.end_to_end.ending_early.places import Place
from tests.end_to_end.ending_early.points import Points
from tests.end_to_end.stacks import ECHO, Document, config_map, deployment
from tests.end_to_end.world import World

_MADE = """
variable "name" {
  type = string
}

resource "terraform_data" "made" {
  input = var.name

  provisioner "local-exec" {
    command = "%(module)s create ${self.input}"
  }

  provisioner "local-exec" {
    when    = destroy
    command = "%(module)s destroy ${self.input}"
  }
}
"""
_SIDES = ("left", "right")
_KINDS = (("api/v1", "configmaps"), ("apis/apps/v1", "deployments"), ("apis/batch/v1", "jobs"))
_IN_EVERY_NAMESPACE = {"kube-root-ca.crt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The stack, by the number of its last commit."""

    place: Place

    @property
    def points(self) -> Points:
        """Return the points of its runs."""
        return self.place.points

    @property
    def world(self) -> World:
        """Return the clone that is committed in."""
        return self.points.world

    def commit(self, number: int) -> str:
        """Write the stack as a number has it, into every clone, and return the commit."""
        world, side = self.world, _SIDES[number % 2]
        for file in (world.root / "stacks" / world.name).glob("*.yaml"):
            file.unlink()
        world.write("modules/kept/main.tf", ECHO)
        world.write("modules/made/main.tf", _MADE % {"module": self.points.module})
        made = {"source": "./modules/made", "inputs": {"name": _made(number)}}
        kept = {"source": "./modules/kept", "inputs": {"text": f"round {number}"}}
        platform = {"path": "platform.yaml", "namespace": world.name}
        shop = {"path": "shop.yaml", "namespace": world.name, "needs": ["platform"]}
        modules, sets = {"kept": kept, side: made}, {"platform": platform, "shop": shop}
        world.declare(modules, sets, **self.place.settings)
        texts = [config_map(name, {"text": text}) for name, text in _texts(number).items()]
        world.manifests("platform.yaml", *texts)
        reading = {"orchestrator.test/kept": "${{ modules.kept.kept }}"}
        web = deployment("web", image=f"web:{number}", annotations=reading)
        world.manifests("shop.yaml", web, _job(number))
        commit = world.commit(f"Go to {number}")
        self.place.share()
        return commit

    def assert_is(self, number: int) -> None:
        """Check by looking at each thing itself that there is what a number has, all of it, and nothing else."""
        side = _SIDES[number % 2]
        maps = self._all("api/v1", "configmaps")
        assert {
            name: item["data"] for name, item in maps.items() if name not in _IN_EVERY_NAMESPACE
        } == {name: {"text": text} for name, text in _texts(number).items()}
        (web,) = self._all("apis/apps/v1", "deployments").values()
        template = web["spec"]["template"]
        assert template["spec"]["containers"][0]["image"] == f"web:{number}"
        assert template["metadata"]["annotations"] == {"orchestrator.test/kept": f"round {number}"}
        assert web["status"]["observedGeneration"] == web["metadata"]["generation"]
        assert web["status"]["readyReplicas"] == web["status"]["updatedReplicas"] == 1
        jobs = self._all("apis/batch/v1", "jobs")
        assert {name: job["status"].get("succeeded") for name, job in jobs.items()} == {
            f"once-{number}": 1
        }
        assert self.points.made() == {_made(number)}
        assert self.inputs() == {"kept": f"round {number}", side: _made(number)}

    def assert_is_by_tools(self, number: int) -> None:
        """Check the same by kubectl and Terraform, as far as they show it."""
        found = seen_by_kubectl(self.place)
        assert {
            name.removeprefix("ConfigMap/"): item["data"]
            for name, item in found.items()
            if item["kind"] == "ConfigMap"
        } == {name: {"text": text} for name, text in _texts(number).items()}
        assert {name for name in found if not name.startswith("ConfigMap/")} == {
            "Deployment/web",
            f"Job/once-{number}",
        }
        listed = seen_by_terraform(self.place)
        assert {module: each for module, each in listed.items() if each} == {
            "kept": ["terraform_data.echo"],
            _SIDES[number % 2]: ["terraform_data.made"],
        }

    def inputs(self) -> dict[str, str]:
        """Return what each module with a resource was given, as its state has it."""
        return {
            module: str(attributes["input"]["value"])
            for module, resources in self.place.resources().items()
            for attributes in resources.values()
        }

    def jobs(self) -> dict[str, str]:
        """Return the uid of every Job that there is."""
        jobs = self._all("apis/batch/v1", "jobs")
        return {name: job["metadata"]["uid"] for name, job in jobs.items()}

    def effects(self) -> Document:
        """Return all that a run can have done: what there is, without what the cluster itself writes into it."""
        objects = {
            f"{plural}/{name}": (item["metadata"]["uid"], item.get("spec"), item.get("data"))
            for api, plural in _KINDS
            for name, item in self._all(api, plural).items()
        }
        return {"objects": objects, "inputs": self.inputs(), "done": self.points.done()}

    def objects(self) -> set[str]:
        """Return the names of all objects in the namespace that a run can have made."""
        return {
            name for api, plural in _KINDS for name in self._all(api, plural)
        } - _IN_EVERY_NAMESPACE

    def _all(self, api: str, plural: str) -> dict[str, Document]:
        """Return all objects of a kind in the namespace, also those that nobody labelled."""
        answer = self.world.cluster.get(f"/{api}/namespaces/{self.world.name}/{plural}")
        return {item["metadata"]["name"]: item for item in answer["items"]}


def _texts(number: int) -> dict[str, str]:
    return {"shared": f"round {number}", f"only-{_SIDES[number % 2]}": "here", "still": "as ever"}


def _made(number: int) -> str:
    return f"{_SIDES[number % 2]}-{number}"


def _job(number: int) -> Document:
    containers = [{"name": "main", "image": "shop/once:1"}]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"once-{number}"},
        "spec": {"template": {"spec": {"containers": containers, "restartPolicy": "Never"}}},
    }

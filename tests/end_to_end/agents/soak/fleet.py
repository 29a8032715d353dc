"""Many stacks of one repository: what each is meant to be after every commit, and random changes of them."""

from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.end_to_end.stacks import ECHO, Json, config_map, deployment, documents, stack_file
from tests.git import git

_BAD_NAME = "Not_A_Name"


@dataclass(slots=True, kw_only=True)
class Meant:
    """A stack as Git has it: the texts of its ConfigMaps, that of its module and the image of its Deployment.

    ``broken`` ones have an object that no API server takes. Without module or Deployment, these are empty.
    """

    name: str
    texts: dict[str, str] = field(default_factory=dict)
    module: str = ""
    image: str = ""
    broken: bool = False

    def live(self) -> dict[str, str]:
        """Return all objects that have to be there, as ``Kind/name``, each with what tells it."""
        found = {f"ConfigMap/{name}": text for name, text in self.texts.items()}
        found |= {"ConfigMap/kept": self.module} if self.module else {}
        return found | ({"Deployment/web": self.image} if self.image else {})

    def write(self, root: Path, settings: Json) -> None:
        """Write its files; ``settings`` are other keys of its stack file."""
        folder = root / "stacks" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        texts = {**self.texts, **({_BAD_NAME: "bad"} if self.broken else {})}
        objects = [config_map(name, {"text": text}) for name, text in texts.items()]
        modules: Json = {}
        if self.module:
            (folder / "echo").mkdir(exist_ok=True)
            (folder / "echo" / "main.tf").write_text(ECHO)
            modules = {"echo": {"source": "./echo", "inputs": {"text": self.module}}}
            objects.append(config_map("kept", {"text": "${{ modules.echo.kept }}"}))
        if self.image:
            objects.append(deployment("web", image=self.image))
        sets = {"objects": {"path": "objects.yaml", "namespace": self.name}}
        text = stack_file(self.name, modules=modules, manifests=sets, **settings)
        (folder / "stack.yaml").write_text(text)
        (folder / "objects.yaml").write_text(documents(*objects))


@dataclass(slots=True, kw_only=True)
class Fleet:
    """The stacks, and the commits that changed each of them, oldest first; ``commits`` are those of all.

    ``past`` has what a stack was before, which may be gone back to. ``drifts`` counts what was changed behind its back.
    """

    root: Path
    settings: Json
    stacks: dict[str, Meant]
    commits: list[str] = field(default_factory=list)
    changes: dict[str, list[str]] = field(default_factory=dict)
    past: dict[str, list[Meant]] = field(default_factory=dict)
    drifts: dict[str, int] = field(default_factory=dict)

    def push(self, names: list[str], subject: str) -> str:
        """Write some stacks, commit and push them; return the commit."""
        for name in names:
            self.stacks[name].write(self.root, self.settings)
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--allow-empty", "--message", subject)
        git(self.root, "push", "--quiet", "origin", "main")
        commit = git(self.root, "rev-parse", "HEAD")
        self.commits.append(commit)
        for name in names:
            self.changes.setdefault(name, []).append(commit)
        return commit

    def change(self, random: Random) -> str:
        """Commit a random change of one to three stacks; return what it was."""
        names = random.sample(sorted(self.stacks), k=random.randint(1, 3))
        ways = [self._change(name, random) for name in names]
        subject = ", ".join(f"{way} {name}" for way, name in zip(ways, names, strict=True))
        self.push(names, subject)
        return subject

    def mend(self) -> None:
        """Commit what makes all stacks whole."""
        broken = [name for name, meant in self.stacks.items() if meant.broken]
        for name in broken:
            self.stacks[name].broken = False
        self.push(broken, "Mend what is broken")

    def _change(self, name: str, random: Random) -> str:
        meant, before = self.stacks[name], self.past.setdefault(name, [])
        if before and random.random() < 0.2:
            self.stacks[name] = before.pop()
            return "Go back with"
        before.append(deepcopy(meant))
        del before[:-5]
        meant.broken = random.random() < 0.08
        text = f"{random.getrandbits(48):x}"
        match random.choice(("text", "text", "text", "more", "less", "module", "image")):
            case "more":
                meant.texts[f"more-{text[:4]}"] = text
            case "less" if len(meant.texts) > 2:
                del meant.texts[random.choice(sorted(meant.texts))]
            case "module" if meant.module:
                meant.module = text
            case "image" if meant.image:
                meant.image = f"shop/web:{text}"
            case _:
                meant.texts[random.choice(sorted(meant.texts))] = text
        return "Break" if meant.broken else "Change"


def fleet_of(root: Path, settings: Json, *, stacks: int, objects: int, modules: int) -> Fleet:
    """Return a fleet of so many stacks with so many objects each; the first have a module, each fourth a Deployment."""
    meant = {}
    for number in range(stacks):
        name = f"soak-{number:02}"
        module = f"module-{number}" if number < modules else ""
        image = "shop/web:1" if number % 4 == 0 else ""
        count = objects - bool(module) - bool(image)
        texts = {f"text-{each:02}": f"text {each} of {number}" for each in range(count)}
        meant[name] = Meant(name=name, texts=texts, module=module, image=image)
    return Fleet(root=root, settings=settings, stacks=meant)

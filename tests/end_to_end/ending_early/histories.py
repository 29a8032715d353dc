"""Random histories of a stack: what its files say after each commit, and what has to be live then."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random

from tests.end_to_end.ending_early.places import Place
from tests.end_to_end.stacks import ECHO, Json, config_map
from tests.end_to_end.world import World
from tests.git import git

_REVERTS = 0.25


@dataclass(slots=True)
class Wanted:
    """A stack as it is meant to be.

    ``modules`` maps a module to its text; ``feeds`` a module to the one whose text it takes instead. ``sets``
    maps a manifest set to its ConfigMaps, each with a text, or with the name of the module that it reads. ``more`` has
    further keys of ConfigMaps, wherever these are, and ``drift`` what sets do about changes of others; there are none.
    """

    modules: dict[str, str] = field(default_factory=dict)
    feeds: dict[str, str] = field(default_factory=dict)
    sets: dict[str, dict[str, str]] = field(default_factory=dict)
    more: dict[str, set[str]] = field(default_factory=dict)
    drift: dict[str, str] = field(default_factory=dict)

    def text_of(self, module: str) -> str:
        """Return the text that a module keeps in the end."""
        return self.text_of(self.feeds[module]) if module in self.feeds else self.modules[module]

    def live(self) -> dict[str, tuple[str, dict[str, str]]]:
        """Return set and data of every ConfigMap, as they have to be live."""
        return {
            name: (unit, self._data(name, self.text_of(text) if text in self.modules else text))
            for unit, objects in self.sets.items()
            for name, text in objects.items()
        }

    def units(self) -> set[str]:
        """Return the ids of all units."""
        return {
            *(f"modules.{name}" for name in self.modules),
            *(f"manifests.{name}" for name in self.sets),
        }

    def write(self, world: World, settings: Mapping[str, Json]) -> None:
        """Write the stack's files, with other keys of the stack file, and commit them."""
        for file in (world.root / "stacks" / world.name).glob("*.yaml"):
            file.unlink()
        world.write("modules/echo/main.tf", ECHO)
        for unit, objects in self.sets.items():
            documents = [
                config_map(name, self._data(name, self._written(text)))
                for name, text in objects.items()
            ]
            world.manifests(f"{unit}.yaml", *documents)
        modules: dict[str, Json] = {
            name: {
                "source": "./modules/echo",
                "inputs": {"text": self._written(self.feeds.get(name, text))},
            }
            for name, text in self.modules.items()
        }
        sets: dict[str, Json] = {
            name: {
                "path": f"{name}.yaml",
                "namespace": world.name,
                "drift": self.drift.get(name, "heal"),
            }
            for name in self.sets
        }
        # Chance may leave the stack without any unit, which is meant here.
        world.declare(modules, sets, guards={"empty": True}, **settings)
        world.commit()

    def _data(self, name: str, text: str) -> dict[str, str]:
        return {"text": text, **dict.fromkeys(sorted(self.more.get(name, ())), "more")}

    def _written(self, text: str) -> str:
        return f"${{{{ modules.{text}.kept }}}}" if text in self.modules else text


@dataclass(slots=True, kw_only=True)
class History:
    """The commits of a stack: ``wanted`` is what the last one has, ``past`` what each of them had."""

    place: Place
    wanted: Wanted = field(default_factory=Wanted)
    past: list[Wanted] = field(default_factory=list)

    def go_on(self, random: Random) -> None:
        """Commit one to three random changes, or the revert of one to three commits."""
        if len(self.past) > 1 and random.random() < _REVERTS:
            self._revert(random.randint(1, min(3, len(self.past) - 1)))
        else:
            change(self.wanted, random)
            self.wanted.write(self.place.points.world, self.place.settings)
        self.place.share()
        self.past.append(deepcopy(self.wanted))

    def _revert(self, commits: int) -> None:
        world = self.place.points.world
        git(world.root, "revert", "--no-commit", f"HEAD~{commits}..HEAD")
        world.commit(f"Revert {commits} commits")
        self.wanted = deepcopy(self.past[-commits - 1])


def change(wanted: Wanted, random: Random) -> None:
    """Change a stack in one to three random ways."""
    for _ in range(random.randint(1, 3)):
        random.choice(_WAYS)(wanted, random)


def _add_module(wanted: Wanted, random: Random) -> None:
    wanted.modules[f"m{random.randrange(5)}"] = _text(random)


def _remove_module(wanted: Wanted, random: Random) -> None:
    if not wanted.modules:
        return
    gone = random.choice(sorted(wanted.modules))
    del wanted.modules[gone]
    wanted.feeds = {
        module: source for module, source in wanted.feeds.items() if gone not in {module, source}
    }
    for objects in wanted.sets.values():
        for name in [name for name, text in objects.items() if text == gone]:
            objects[name] = _text(random)


def _feed_module(wanted: Wanted, random: Random) -> None:
    if wanted.modules:
        source, module = sorted(random.choices(sorted(wanted.modules), k=2))
        wanted.feeds.pop(module, None)
        if source != module:
            wanted.feeds[module] = source  # always from a lower name, so that there is no cycle


def _add_object(wanted: Wanted, random: Random) -> None:
    name = f"c{random.randrange(8)}"
    for objects in wanted.sets.values():
        if name in objects:
            objects[name] = _value(wanted, random)
            return
    unit = f"s{random.randrange(3)}"
    wanted.sets.setdefault(unit, {})[name] = _value(wanted, random)


def _remove_object(wanted: Wanted, random: Random) -> None:
    if wanted.sets:
        unit = random.choice(sorted(wanted.sets))
        del wanted.sets[unit][random.choice(sorted(wanted.sets[unit]))]
        _drop_empty(wanted)


def _move_object(wanted: Wanted, random: Random) -> None:
    if wanted.sets:
        unit = random.choice(sorted(wanted.sets))
        name = random.choice(sorted(wanted.sets[unit]))
        text = wanted.sets[unit].pop(name)
        wanted.sets.setdefault(f"s{random.randrange(3)}", {})[name] = text
        _drop_empty(wanted)


def _rename_set(wanted: Wanted, random: Random) -> None:
    if wanted.sets:
        unit = random.choice(sorted(wanted.sets))
        objects = wanted.sets.pop(unit)
        wanted.sets.setdefault(f"s{random.randrange(3)}", {}).update(objects)


def _remove_set(wanted: Wanted, random: Random) -> None:
    if wanted.sets:
        del wanted.sets[random.choice(sorted(wanted.sets))]


def _change_keys(wanted: Wanted, random: Random) -> None:
    names = sorted(name for objects in wanted.sets.values() for name in objects)
    if names:
        wanted.more.setdefault(random.choice(names), set()).symmetric_difference_update(
            random.sample(("a", "b", "c"), k=2)
        )


def _change_drift(wanted: Wanted, random: Random) -> None:
    wanted.drift[f"s{random.randrange(3)}"] = random.choice(("report", "ignore", "heal"))


def _drop_empty(wanted: Wanted) -> None:
    wanted.sets = {unit: objects for unit, objects in wanted.sets.items() if objects}


def _value(wanted: Wanted, random: Random) -> str:
    return random.choice([_text(random), *wanted.modules])


def _text(random: Random) -> str:
    return f"text {random.randrange(1000)}"


_WAYS: tuple[Callable[[Wanted, Random], None], ...] = (
    _add_module,
    _add_module,
    _remove_module,
    _feed_module,
    _add_object,
    _add_object,
    _add_object,
    _remove_object,
    _move_object,
    _rename_set,
    _remove_set,
    _change_keys,
    _change_keys,
    _change_drift,
)

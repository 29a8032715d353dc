"""Which units a change touches, in real repositories: their words, files, variables, and who reads them."""

from pathlib import Path

import pytest
import yaml

from orchestrator.engine.planning.affected import affected
from orchestrator.engine.planning.paths import (
    Known,
    below,
    own_files,
    stack_made_of,
    survey,
    unit_made_of,
)
from orchestrator.engine.planning.wanted import read_wanted
from orchestrator.engine.previewing.touched import may_be_touched
from orchestrator.engine.session import Surroundings, open_session
from orchestrator.errors import RepositoryError
from orchestrator.settings import Settings
from tests.git import git, make_repository

STACK = """
version: 1
name: shop
vars: {size: 2, colour: red}
modules:
  network:
    source: ./modules/network
  database:
    source: ./modules/database
    inputs: {network: "${{ modules.network.id }}", size: "${{ vars.size }}"}
  bucket:
    source: ./modules/bucket
manifests:
  platform: {path: platform.yaml}
  shop: {path: shop}
"""
MODULE = 'output "id" {\n  value = "1"\n}\n'
DATABASE = """
variable "network" {}
variable "size" {}
module "inner" {
  source = "../inner"
}
output "id" {
  value = "2"
}
"""
TEXT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: shop}}\ndata: {{text: {text}}}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with a shop of three modules, of which one calls another, and two sets."""
    root = make_repository(tmp_path / "shop")
    _write(root, "stack.yaml", STACK)
    for name in ("network", "bucket", "inner"):
        _write(root, f"modules/{name}/main.tf", MODULE)
    _write(root, "modules/database/main.tf", DATABASE)
    _write(root, "platform.yaml", TEXT.format(name="platform", text="plain"))
    _write(root, "shop/web.yaml", TEXT.format(name="web", text='"${{ modules.database.id }}"'))
    _write(root, "shop/more.yaml", TEXT.format(name="more", text='"${{ vars.colour }}"'))
    _commit(root)
    return root


def _write(root: Path, file: str, text: str) -> None:
    path = root / "stacks" / "shop" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _edit(root: Path, file: str, old: str, new: str) -> None:
    path = root / "stacks" / "shop" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    _write(root, file, text.replace(old, new))


def _commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Change the shop")


def _considered(root: Path, since: str = "HEAD") -> dict[str, str]:
    """Return why each unit is taken, by unit; those that are left are missing."""
    around = Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None)
    session = open_session(around, stack="shop", environment=None)
    found = affected(session, read_wanted(session.tree, session.stack), since)
    taken = {each.unit: each.reason for each in found.since.considered if each.taken}
    assert {*found.units, *found.removed} == taken.keys()
    return {str(unit): reason for unit, reason in taken.items()}


def test_nothing_changed(root: Path) -> None:
    """Every unit is left."""
    assert _considered(root) == {}


def test_a_manifest_takes_its_set_and_what_that_reads(root: Path) -> None:
    """What a set reads has to be planned for its values; a set that reads nothing goes alone."""
    _edit(root, "platform.yaml", "plain", "fancy")
    assert _considered(root) == {"manifests.platform": "stacks/shop/platform.yaml changed"}

    _edit(root, "platform.yaml", "fancy", "plain")
    _edit(root, "shop/web.yaml", "name: web", "name: site")
    assert _considered(root) == {
        "modules.network": "modules.database reads modules.network.id",
        "modules.database": "manifests.shop reads modules.database.id",
        "manifests.shop": "stacks/shop/shop/web.yaml changed",
    }


def test_a_module_takes_all_that_reads_it(root: Path) -> None:
    """Whoever reads an output of what changed may get another value."""
    _edit(root, "modules/network/main.tf", '"1"', '"one"')
    assert _considered(root) == {
        "modules.network": "stacks/shop/modules/network/main.tf changed",
        "modules.database": "reads modules.network.id, which is planned",
        "manifests.shop": "reads modules.database.id, which is planned",
    }


def test_a_module_that_is_called_counts_as_its_caller(root: Path) -> None:
    """A unit is made of the local modules that it calls, too."""
    _edit(root, "modules/inner/main.tf", '"1"', '"one"')
    assert _considered(root)["modules.database"] == "stacks/shop/modules/inner/main.tf changed"


@pytest.mark.parametrize(
    ("old", "new", "unit", "reason"),
    [
        ("size: 2", "size: 3", "modules.database", "vars.size changed"),
        ("colour: red", "colour: blue", "manifests.shop", "vars.colour changed"),
        (
            "path: platform.yaml",
            "path: platform.yaml, namespace: x",
            "manifests.platform",
            "its entry in the stack file changed",
        ),
        (
            "name: shop\n",
            "name: shop\nterraform: {version: '>= 1.0'}\n",
            "modules.bucket",
            "the stack's terraform changed",
        ),
        (
            "name: shop\n",
            "name: shop\ncluster: {context: x}\n",
            "manifests.platform",
            "the stack's cluster changed",
        ),
    ],
)
def test_the_stack_file_touches_whom_it_speaks_of(
    root: Path, old: str, new: str, unit: str, reason: str
) -> None:
    """A variable touches who reads it, an entry its unit, a setting all units of its kind."""
    _edit(root, "stack.yaml", old, new)
    assert _considered(root)[unit] == reason


def test_a_comment_touches_nobody(root: Path) -> None:
    """Lines that move are no change."""
    _write(root, "stack.yaml", f"# the shop\n\n{STACK}")
    assert _considered(root) == {}


def test_what_git_lost_and_what_it_got(root: Path) -> None:
    """A removed unit is taken, to be destroyed or pruned; a new one is new."""
    _edit(
        root,
        "stack.yaml",
        "  bucket:\n    source: ./modules/bucket\n",
        "  basket:\n    source: ./modules/bucket\n",
    )
    assert _considered(root) == {
        "modules.basket": "is new",
        "modules.bucket": "is no longer in Git",
    }


def test_a_file_that_is_gone_counts(root: Path) -> None:
    """What a set does not declare any more is to be pruned."""
    (root / "stacks/shop/shop/more.yaml").unlink()
    assert _considered(root)["manifests.shop"].startswith("stacks/shop/shop/more.yaml")


def test_many_files_are_counted(root: Path) -> None:
    """A line says two names, and how many more."""
    for number in range(5):
        _write(root, f"modules/network/{number}.tf", "# more\n")
    assert _considered(root)["modules.network"] == (
        "stacks/shop/modules/network/0.tf, stacks/shop/modules/network/1.tf and 3 more files changed"
    )


def test_what_cannot_be_told_is_taken(root: Path) -> None:
    """A module that may read files elsewhere, a source that moves, and whoever reads the revision."""
    _write(root, "modules/bucket/read.tf", 'locals { text = file("../../orchestrator.yaml") }\n')
    _edit(
        root,
        "stack.yaml",
        "source: ./modules/network",
        "source: git::https://example.com/network.git",
    )
    _edit(root, "platform.yaml", "plain", '"${{ revision }}"')
    _commit(root)

    considered = _considered(root)

    assert considered["modules.network"] == "its source names no fixed version"
    assert considered["modules.bucket"] == (
        "stacks/shop/modules/bucket/read.tf:1 may lead to files outside of its directory"
    )
    assert considered["manifests.platform"] == "revision changed"


@pytest.mark.parametrize(
    ("line", "leads"),
    [
        ('source = file("${path.module}/../../page.html")', True),
        ('source = "../../page.html"', True),
        ('source = "../inner"', False),
        ('source = "../inner" # the inner one', False),
    ],
)
def test_a_source_is_not_always_a_module(root: Path, *, line: str, leads: bool) -> None:
    """Objects and provisioners have a source, too, which is a file; that of a module is a directory."""
    block = f'module "m" {{\n  {line}\n}}\n'
    _write(root, "modules/bucket/more.tf", block)
    _commit(root)

    reason = "stacks/shop/modules/bucket/more.tf:2 may lead to files outside of its directory"
    assert _considered(root).get("modules.bucket") == (reason if leads else None)


@pytest.mark.parametrize(
    ("call", "moves"),
    [
        ('source = "git::https://example.com/m.git"', True),
        ('source = "git::https://example.com/m.git?ref=main"', True),
        ('source = "git::https://example.com/m.git?ref=v1.2.3"', False),
        ('source = "example/m/aws"', True),
        ('source = "example/m/aws"\n  version = "~> 1.2"', True),
        ('source = "example/m/aws"\n  version = "1.2.3"', False),
    ],
)
def test_a_call_that_names_no_fixed_version_counts(root: Path, *, call: str, moves: bool) -> None:
    """Also in a module that is called: what it calls changes without a commit."""
    _write(root, "modules/inner/more.tf", f'module "m" {{\n  {call}\n}}\n')
    _commit(root)

    reason = "the source of module.m in stacks/shop/modules/inner names no fixed version"
    assert _considered(root).get("modules.database") == (reason if moves else None)


def test_a_way_out_in_two_steps_counts(root: Path) -> None:
    """What a local says is read by another expression."""
    text = 'locals {\n  up = "${path.module}/.."\n  conf = file("${local.up}/conf.json")\n}\n'
    _write(root, "modules/bucket/read.tf", text)
    _commit(root)

    reason = "stacks/shop/modules/bucket/read.tf:2 may lead to files outside of its directory"
    assert _considered(root) == {"modules.bucket": reason}


@pytest.mark.parametrize("to", ["../../../../..", "..", "linked"])
def test_links_and_paths_among_inputs_lead_outside(root: Path, to: str) -> None:
    """What a link leads to that is no part of the repository, or all around it; a file whose name is an input."""
    (root / "stacks/shop/modules/network/linked").symlink_to(to)
    _edit(root, "stack.yaml", 'size: "${{ vars.size }}"', "size: ../../more.txt")
    _commit(root)

    considered = _considered(root)

    assert considered["modules.network"].startswith("stacks/shop/modules/network/linked may lead")
    assert considered["modules.database"].startswith("an input may lead")


def test_two_modules_that_are_written_alike_are_two(root: Path) -> None:
    """From a stack behind a link, the same words lead elsewhere."""
    (root / "stacks/far").symlink_to("../deep/stacks/far")
    text = "version: 1\nname: {}\nmodules: {{m: {{source: ../../shared/m}}}}\n"
    _write(root, "../near/stack.yaml", text.format("near"))
    _write(root, "../../deep/stacks/far/stack.yaml", text.format("far"))
    for folder in ("", "deep/"):
        _write(root, f"../../{folder}shared/m/main.tf", MODULE)
    _commit(root)
    around = Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None)
    known = Known()

    made = {}
    for name in ("near", "far"):
        session = open_session(around, stack=name, environment=None)
        made[name] = survey(session.tree, session.stack, known).paths

    assert below("shared/m/main.tf", made["near"])
    assert below("deep/shared/m/main.tf", made["far"])


_LINKED = {
    "more.tf": "../../../../shared/more.txt",
    "chain.txt": "../../../../shared/chain",
    ".terraform.lock.hcl": "../../../../shared/locks/network",
    "conf": "../../../../shared/conf",
    "nowhere": "../../../../shared/nowhere",
}
_SHARED = {
    "more.txt": 'locals {\n  a = file("${path.module}/chain.txt")\n}\nmodule "m" {\n  source = "../inner"\n}\n',
    "locks/network": "# locked\n",
    "chain_end": "one",
    "conf/a.json": "1",
    "deeper/b.json": "2",
    "conf/page.tftpl": '${file("a.json")}',
}


def _with_linked_files(root: Path) -> None:
    """Have a module whose files lie elsewhere in the repository, in part."""
    for file, text in _SHARED.items():
        _write(root, f"../../shared/{file}", text)
    (root / "shared/chain").symlink_to("chain_end")
    (root / "shared/conf/deeper").symlink_to("../deeper")
    (root / "shared/deeper/back").symlink_to("../conf")
    for name, target in _LINKED.items():
        (root / "stacks/shop/modules/network" / name).symlink_to(target)
    _commit(root)


def test_what_links_of_a_module_lead_to_is_what_it_is_made_of(root: Path) -> None:
    """To a file, through another link, to a directory with links of its own, and to what may come; nothing else."""
    _with_linked_files(root)
    assert _considered(root) == {}
    _write(root, "../../README", "more")
    _write(root, "../../shared/other.tf", "# more\n")
    assert _considered(root) == {}
    around = Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None)
    session = open_session(around, stack="shop", environment=None)
    made = survey(session.tree, session.stack)
    assert not below("shared/other.tf", made.paths)
    assert not made.beside

    for file in ({*_SHARED} - {"conf/page.tftpl"}) | {"conf/new", "nowhere", "deeper/new"}:
        _write(root, f"../../shared/{file}", f"{_SHARED.get(file, '')}# more\n")
        assert _considered(root)["modules.network"] == f"shared/{file} changed"
        assert below(f"shared/{file}", made.paths)
        _commit(root)


@pytest.mark.parametrize(
    ("file", "text"),
    [("more.txt", 'locals { a = file("../x") }\n'), ("conf/page.tftpl", '${file("../x")}')],
)
def test_what_lies_behind_a_link_may_lead_outside_itself(root: Path, file: str, text: str) -> None:
    """It counts as what the link makes of it: a file of Terraform, or a template."""
    _with_linked_files(root)
    _write(root, f"../../shared/{file}", text)
    _commit(root)

    reason = _considered(root)["modules.network"]

    assert reason.endswith(":1 may lead to files outside of its directory")


def test_a_kubeconfig_of_the_repository_is_what_manifests_are_made_of(root: Path) -> None:
    """With what it names there, such as a program for credentials; it says where they are applied."""
    user = {"client-key": "keys/a.pem", "exec": {"command": "./login.sh"}}
    text = yaml.safe_dump({"users": [{"name": "a", "user": user}]})
    _write(root, "../../clusters/real.yaml", text)
    (root / "clusters/prod.yaml").symlink_to("real.yaml")
    stack = STACK.replace("colour: red", "colour: red, cluster: prod")
    _write(
        root,
        "stack.yaml",
        f"{stack}cluster: {{kubeconfig: 'clusters/${{{{ vars.cluster }}}}.yaml'}}\n",
    )
    _commit(root)
    assert _considered(root) == {}
    session = open_session(
        Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None),
        stack="shop",
        environment=None,
    )

    for file in ("clusters/real.yaml", "clusters/keys/a.pem", "clusters/login.sh"):
        _write(root, f"../../{file}", f"{text}# more\n" if "real" in file else "more\n")
        assert _considered(root)["manifests.shop"] == f"{file} changed"
        assert below(file, survey(session.tree, session.stack).paths)
        _commit(root)


def test_what_is_no_name_of_a_file_stops_no_look_at_others(root: Path) -> None:
    """A certificate in a kubeconfig where its path belongs: the plan of that stack says so, and others are made."""
    long = "no name " * 99
    cluster = {"certificate-authority": long, "server": "https://a.example"}
    text = yaml.safe_dump({"clusters": [{"name": "a", "cluster": cluster}]})
    _write(root, "../../clusters/prod.yaml", text)
    _write(root, "stack.yaml", f"{STACK}cluster: {{kubeconfig: clusters/prod.yaml}}\n")
    _commit(root)
    around = Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None)
    session = open_session(around, stack="shop", environment=None)

    assert _considered(root) == {}
    assert not may_be_touched(session.tree, session.stack, frozenset({"README.md"}))


def test_a_program_of_the_repository_is_what_its_modules_are_made_of(root: Path) -> None:
    """Wherever links lead to it from; a module of another program is not, and one from elsewhere is."""
    _write(root, "../../tools/real.sh", "one\n")
    (root / "terraform.sh").symlink_to("tools/real.sh")
    text = STACK.replace(
        "source: ./modules/network", "source: 'git::https://h.example/n?ref=v1.0.0'"
    )
    text = text.replace(
        "source: ./modules/bucket", "source: ./modules/bucket\n    terraform: {binary: tofu}"
    )
    _write(root, "stack.yaml", f"{text}terraform: {{binary: ./terraform.sh}}\n")
    _commit(root)
    _write(root, "../../tools/real.sh", "two\n")

    considered = _considered(root)

    assert considered.pop("modules.network") == "tools/real.sh changed"
    assert considered.pop("modules.database") == "tools/real.sh changed"
    assert considered == {"manifests.shop": "reads modules.database.id, which is planned"}
    around = Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None)
    session = open_session(around, stack="shop", environment=None)
    wanted = read_wanted(session.tree, session.stack)
    paths = {"terraform.sh", "tools/real.sh"}
    for made in (survey(session.tree, session.stack), stack_made_of(session.tree, wanted)):
        assert paths <= made.paths
    (elsewhere,) = (each for each in wanted.stack.modules if not each.local)
    assert unit_made_of(session.tree, wanted, elsewhere).paths == paths


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "there was no shop/default at"),
        ("version: 1\nname: [", "the stack could not be read at "),
    ],
)
def test_without_a_stack_then_everything_counts(root: Path, text: str | None, reason: str) -> None:
    """What cannot be compared is planned."""
    if text is None:
        (root / "stacks/shop/stack.yaml").unlink()
    else:
        _write(root, "stack.yaml", text)
    _commit(root)
    _write(root, "stack.yaml", STACK)
    _commit(root)

    considered = _considered(root, "HEAD~1")

    assert len(considered) == 5
    assert all(each.startswith(reason) for each in considered.values())
    if text is not None:
        assert all("(stacks/shop/stack.yaml: " in each for each in considered.values())


def test_a_revision_that_is_not_there(root: Path) -> None:
    """A name that Git does not know is said, with what may be meant."""
    with pytest.raises(RepositoryError, match="nowhere"):
        _considered(root, "nowhere")


def _through_links(root: Path, way: str) -> tuple[str, str]:
    """Have a manifest lie elsewhere in the repository; return that file, and the link that leads there."""
    shop = root / "stacks/shop"
    shared = root / "shared"
    shared.mkdir()
    if way == "file":
        (shop / "platform.yaml").rename(shared / "texts.yaml")
        (shop / "platform.yaml").symlink_to("../../shared/texts.yaml")
        return "shared/texts.yaml", "stacks/shop/platform.yaml"
    if way == "set":
        (shop / "shop").rename(shared / "shop")
        (shop / "shop").symlink_to("../../shared/shop")
        return "shared/shop/more.yaml", "stacks/shop/shop"
    shop.rename(shared / "shop")
    shop.symlink_to("../shared/shop")
    return "shared/shop/platform.yaml", "stacks/shop"


@pytest.mark.parametrize("way", ["file", "set", "stack"])
def test_what_links_lead_to_is_what_a_stack_is_made_of(root: Path, way: str) -> None:
    """A link to a file, to the directory of a set, or to that of the stack: its unit goes by what lies there."""
    changed, link = _through_links(root, way)
    _commit(root)
    around = Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None)
    session = open_session(around, stack="shop", environment=None)
    made = survey(session.tree, session.stack)
    wanted = stack_made_of(session.tree, read_wanted(session.tree, session.stack))
    assert below(changed, made.paths)
    assert below(changed, wanted.paths)
    assert link in made.paths & wanted.paths
    assert all((root / path).exists() for path in wanted.paths - {"orchestrator.yaml"})

    (root / changed).write_text(TEXT.format(name="changed", text="x"))
    assert f"{changed} changed" in _considered(root).values()


def test_where_a_link_leads_counts(root: Path) -> None:
    """Another target is another manifest; one that lies in a set of its own is found in a pattern, too."""
    _write(root, "../../shared/one.yaml", TEXT.format(name="one", text="1"))
    _write(root, "../../shared/two.yaml", TEXT.format(name="two", text="2"))
    _write(root, "stack.yaml", STACK.replace("{path: shop}", '{path: "shop/*.yaml"}'))
    link = root / "stacks/shop/shop/linked.yaml"
    link.symlink_to("../../../shared/one.yaml")
    _commit(root)
    around = Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None)
    session = open_session(around, stack="shop", environment=None)
    made = stack_made_of(session.tree, read_wanted(session.tree, session.stack))
    assert {"stacks/shop/shop/linked.yaml", "shared/one.yaml"} <= made.paths
    link.unlink()
    link.symlink_to("../../../shared/two.yaml")

    assert _considered(root)["manifests.shop"] == (
        "shared/one.yaml, shared/two.yaml and 1 more file changed"
    )


def test_where_a_link_leads_to_that_a_module_calls_counts(root: Path) -> None:
    """Another target is another module, though nothing below it changed; so is that of a unit itself."""
    modules = root / "stacks/shop/modules"
    for name in ("inner", "network"):
        (modules / name).rename(root / name)
        (modules / name).symlink_to(f"../../../{name}")
    _commit(root)
    around = Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None)
    session = open_session(around, stack="shop", environment=None)

    paths = survey(session.tree, session.stack).paths
    assert {"stacks/shop/modules/inner", "inner"} <= paths
    assert {"stacks/shop/modules/network", "network"} <= paths


def test_settings_and_stack_file_that_are_links(root: Path) -> None:
    """What they lead to belongs to the stack, and is told apart by what it says."""
    (root / "shared").mkdir()
    (root / "stacks/shop/stack.yaml").rename(root / "shared/shop.yaml")
    (root / "stacks/shop/stack.yaml").symlink_to("../../shared/shop.yaml")
    (root / "shared/settings.yaml").write_text("risks: {acme: data-loss}\n")
    (root / "orchestrator.yaml").symlink_to("shared/settings.yaml")
    _commit(root)
    around = Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None)
    session = open_session(around, stack="shop", environment=None)

    assert own_files(session.tree, session.stack) == {
        *("stacks/shop/stack.yaml", "shared/shop.yaml"),
        *("orchestrator.yaml", "shared/settings.yaml"),
    }

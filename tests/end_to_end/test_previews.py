"""`preview`: what merging would do, planned on the merge itself."""

import base64
import html
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.end_to_end.stacks import ECHO, config_map, secret, stack_file
from tests.end_to_end.world import World, small_stack
from tests.git import git

pytestmark = pytest.mark.integration


def _another_stack(world: World, text: str) -> None:
    """Write a stack of one module beside the world's own, which a broken text keeps from being planned."""
    folder = world.root / "stacks" / f"{world.name}-b"
    (folder / "echo").mkdir(parents=True, exist_ok=True)
    (folder / "echo" / "main.tf").write_text(ECHO)
    modules = {"echo": {"source": "./echo", "inputs": {"text": text}}}
    (folder / "stack.yaml").write_text(stack_file(f"{world.name}-b", modules=modules))


def _branch(world: World, name: str, base: str) -> None:
    git(world.root, "checkout", "--quiet", "-b", name, base)


def test_a_stale_branch_takes_nothing_back(world: World) -> None:
    """The merge is planned, not the branch: what was merged since stays, and what a branch changes is there."""
    before = small_stack(world)
    world.manifests("platform/later.yaml", config_map("later"))
    world.commit("Add a text")
    world.apply()
    _branch(world, "change", before)
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "fancy"}))
    head = world.commit("Change a text")
    refs = git(world.root, "for-each-ref")

    ended = world.run("preview", "--base", "main")

    assert ended.code == 0, ended.said
    assert "### Merging: 1 to update\n" in ended.stdout
    assert f"\n! ConfigMap {world.name}/platform\n" in ended.stdout
    assert "later" not in ended.stdout
    assert f"manifests.platform: stacks/{world.name}/platform/texts.yaml changed" in ended.stdout
    assert f"`{head[:10]}` merged into" in ended.stdout
    assert git(world.root, "for-each-ref") == refs
    assert git(world.root, "status", "--porcelain") == ""
    assert world.left_behind() == []


def test_only_what_a_merge_touches_is_planned(world: World, tmp_path: Path) -> None:
    """A stack that is as it was is not planned; one that is gone, and one that fails, hide no other."""
    small_stack(world)
    _another_stack(world, "quiet")
    base = world.commit("Add another stack")
    _branch(world, "change", base)
    _another_stack(world, "${{ vars.nothing }}")
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "fancy"}))
    world.commit("Break one, change the other")

    ended = world.run("preview", "--base", "main", "--html", str(tmp_path / "page.html"))
    again = world.run("preview", "--base", "HEAD", "--output", "json")

    assert ended.code == 1
    assert "1 of 2 plans failed" in ended.stdout
    assert f"**`{world.name}-b/default` could not be planned**" in ended.stdout
    assert "there is no variable" in ended.stdout
    assert f"<summary><code>{world.name}/default</code>" in ended.stdout
    assert "there is no variable" in (tmp_path / "page.html").read_text()
    assert again.json["stacks"] == []


def test_stacks_are_planned_side_by_side(world: World, tmp_path: Path) -> None:
    """Each waits for the other to begin, and both come to an end."""
    small_stack(world)
    _another_stack(world, "quiet")
    base = world.commit("Add another stack")
    _branch(world, "change", base)
    _another_stack(world, "loud")
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "fancy"}))
    for stack, own, other in ((world.name, "one", "two"), (f"{world.name}-b", "two", "one")):
        program = world.root / f"{own}.sh"
        text = _WAITING.replace("OWN", str(tmp_path / own)).replace("OTHER", str(tmp_path / other))
        program.write_text(text)
        program.chmod(0o755)
        file = world.root / "stacks" / stack / "stack.yaml"
        file.write_text(f"{file.read_text()}terraform: {{binary: ./{own}.sh}}\n")
    world.commit("Change both")

    ended = world.run("preview", "--base", "main")

    assert ended.code == 0, ended.said
    assert ended.stdout.count("<details>") == 2


def test_a_program_of_the_repository_is_run_as_the_merge_has_it(world: World) -> None:
    """Whoever changes nothing else changes what stacks do; a checkout of the base does not decide about that."""
    program = world.root / "terraform.sh"
    program.write_text('#!/bin/sh\nexec terraform "$@"\n')
    program.chmod(0o755)
    small_stack(world)
    stack = world.root / "stacks" / world.name / "stack.yaml"
    stack.write_text(f"{stack.read_text()}terraform: {{binary: ./terraform.sh}}\n")
    base = world.commit("Name a program")
    _branch(world, "change", base)
    program.write_text("#!/bin/sh\necho Terraform v0.1.0\n")
    world.commit("Change the program")
    git(world.root, "rm", "--quiet", "terraform.sh")
    world.commit("Take it away")
    git(world.root, "checkout", "--quiet", "main")

    changed = world.run("preview", "--base", "main", "--head", "change~1")
    gone = world.run("preview", "--base", "main", "--head", "change")

    assert changed.code == gone.code == 1
    assert "terraform 0.1.0 is too old" in changed.stdout
    assert "./terraform.sh: no such file" in gone.stdout


@pytest.mark.soak
def test_what_leaves_git_is_planned_by_no_program_of_before(world: World, tmp_path: Path) -> None:
    """A unit's code is that of when it was applied; an engine of then may be too old for its state."""
    program = world.root / "terraform.sh"
    program.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/before\nexec terraform "$@"\n')
    program.chmod(0o755)
    world.write("modules/base/main.tf", ECHO)
    engine = {"binary": "./terraform.sh"}
    base = {"source": "./modules/base", "inputs": {"text": "hello"}}
    world.declare({"base": base, "other": base}, None, terraform=engine)
    world.commit("Name a program")
    world.apply()
    program.write_text('#!/bin/sh\nexec terraform "$@"\n')
    _branch(world, "change", world.commit("Change the program"))
    world.declare({"other": base}, None, terraform=engine)
    world.commit("Take one away")
    git(world.root, "checkout", "--quiet", "main")
    (tmp_path / "before").unlink()

    ended = world.run("preview", "--base", "main", "--head", "change")

    assert ended.code == 0, ended.said
    assert "### Merging: 1 to delete" in ended.stdout
    assert not (tmp_path / "before").exists()


def test_an_environment_that_leaves_git_is_told(world: World) -> None:
    """No plan shows what it leaves behind, so the comment says that something is."""
    small_stack(world)
    environments: dict[str, object] = {"staging": {}, "production": {}}
    manifests = {"shop": {"path": "shop", "namespace": world.name}}
    world.manifests("shop/texts.yaml", config_map("greeting", {"text": "hello"}))
    world.declare(None, manifests, environments=environments)
    (world.root / "apps" / "linked").mkdir(parents=True)
    (world.root / "apps" / "linked" / "stack.yaml").write_text("version: 1\nname: linked\n")
    link = world.root / "stacks" / "linked"
    link.symlink_to("../apps/linked")
    base = world.commit("Add environments")
    _branch(world, "change", base)
    link.unlink()
    world.declare(None, manifests, environments={"production": {}})
    world.commit("Take one away")

    ended = world.run("preview", "--base", "main")

    assert f"{world.name}/staging is no longer in Git: what it made stays" in ended.stdout
    assert f"{world.name}/production is no longer" not in ended.stdout
    assert "linked is no longer in Git: what it made stays" in ended.stdout


def test_what_leaves_git_behind_a_link_is_told(world: World) -> None:
    """A stack file that is a link, or one to another link, says what lies there; the link itself stays."""
    own = world.root / "apps" / "own"
    own.mkdir(parents=True)
    for name in ("filed", "spread"):
        folder = world.root / "stacks" / name
        folder.mkdir(parents=True)
        (folder / "stack.yaml").symlink_to(f"../../apps/{name}.yml")
        (world.root / "apps" / f"{name}.yml").symlink_to(f"own/{name}")
    (own / "filed").write_text("version: 1\nname: filed\n")
    (own / "spread").write_text("version: 1\nname: spread\nenvironments: {a: {}, b: {}}\n")
    base = world.commit("Add stacks")
    _branch(world, "change", base)
    (own / "filed").unlink()
    (own / "spread").write_text("version: 1\nname: spread\nenvironments: {b: {}}\n")
    world.commit("Take one away, and an environment")

    ended = world.run("preview", "--base", "main")

    assert ended.code == 0, ended.said
    for name in ("filed", "spread/a"):
        assert f"{name} is no longer in Git: what it made stays" in ended.stdout
    assert "spread/b is" not in ended.stdout


def test_settings_that_cannot_be_read_after_the_merge_are_a_failure(world: World) -> None:
    """They are not used before it is merged, and everything would stand still afterwards."""
    base = small_stack(world)
    _branch(world, "change", base)
    (world.root / "orchestrator.yaml").write_text("guards: {nothing: 1}\n")
    world.commit("Break the settings")

    ended = world.run("preview", "--base", "main")

    assert ended.code == 1
    assert "### Merging could not be planned" in ended.stdout
    assert "orchestrator.yaml:1" in ended.stdout


def test_whoever_reads_the_revision_is_touched_by_every_merge(world: World) -> None:
    """What a stack is made of may be as it was, and a merge changes it all the same; another is left alone."""
    world.declare(None, {"shop": {"path": "shop.yaml", "namespace": world.name}})
    world.manifests("shop.yaml", config_map("shop", {"at": "${{ revision }}"}))
    _another_stack(world, "quiet")
    before = world.commit("Show the revision")
    _branch(world, "change", before)
    (world.root / "README").write_text("more")
    world.commit("Write more")

    ended = world.run("preview", "--base", "main", "--output", "json")

    assert ended.code == 0, ended.said
    assert [each["stack"] for each in ended.json["stacks"]] == [world.name]
    assert ended.json["stacks"][0]["reasons"] == ["manifests.shop: revision changed"]


def test_a_conflict_is_said(world: World) -> None:
    """Then nothing is planned; the paths are named, and what to do."""
    before = small_stack(world)
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "one"}))
    world.commit("Say one")
    _branch(world, "change", before)
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "two"}))
    world.commit("Say two")

    ended = world.run("preview", "--base", "main")
    as_json = world.run("preview", "--base", "main", "--output", "json")

    assert ended.code == as_json.code == 1
    assert "### Merging could not be planned" in ended.stdout
    assert f"the two conflict in stacks/{world.name}/platform/texts.yaml" in ended.stdout
    assert "hint: merge the base into the request" in ended.stdout
    assert as_json.json["error"]["kind"] == "RepositoryError"
    assert as_json.json["stacks"] == []


def test_the_settings_of_the_base_win(world: World) -> None:
    """A request cannot allow itself a source, and is told that its settings are not those that count, linked or not."""
    (world.root / "orchestrator.yaml").symlink_to("settings.yaml")
    (world.root / "orchestrator.yaml").write_text("version: 1\nallow: {sources: []}\n")
    before = small_stack(world)
    _branch(world, "change", before)
    (world.root / "orchestrator.yaml").write_text("version: 1\n")
    modules = {"far": {"source": "git::https://elsewhere.example/modules.git"}}
    world.declare(modules, None)
    world.commit("Take a module from elsewhere")
    ended = world.run("preview", "--base", "main")
    call = 'module "far" {\n  source = "git::https://elsewhere.example/modules.git"\n}\n'
    world.write("wrapper/main.tf", call)
    world.declare({"near": {"source": "./wrapper"}}, None)
    world.commit("Take it through a module from here")
    wrapped = world.run("preview", "--base", "main")

    assert ended.code == wrapped.code == 1
    assert "elsewhere.example" in ended.stdout
    assert "module.far in stacks/" in wrapped.stdout
    assert "wrapper has the source 'git::https://elsewhere.example" in wrapped.stdout
    assert "is not allowed" in ended.stdout
    assert "orchestrator.yaml changes (allow.sources): that of the base counts" in ended.stdout


def test_no_secret_is_in_a_preview(world: World, tmp_path: Path) -> None:
    """Neither in the comment, nor in the page, nor in the JSON, however it came there, and whatever its form."""
    before = small_stack(world)
    _branch(world, "change", before)
    hidden = 'hunter2 "and" then-some'
    key = (
        "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nBAQEFAASCBKcwggSjAgEAAo\n-----END KEY-----\n"
    )
    encoded = base64.b64encode(hidden.encode()).decode()
    world.write("modules/base/hidden.tf", _HIDING.replace("HIDDEN", json.dumps(hidden)))
    world.manifests(
        "platform/login.yaml",
        secret("login", {"password": hidden, "key": key}),
        {**secret("encoded", {}), "data": {"password": encoded}},
        config_map("copy", {"url": f"https://ada:{quote(hidden)}@db.example", "pem": f"x\n{key}y"}),
        config_map(
            "noted", {"text": json.dumps({"password": hidden})}, annotations={"was": hidden}
        ),
    )
    world.commit("Add a password")

    page = tmp_path / "page.html"
    ended = world.run("preview", "--base", "main", "--html", str(page))
    as_json = world.run("preview", "--base", "main", "--output", "json")

    assert ended.code == as_json.code == 0, ended.said
    assert "+ terraform_data.copied" in ended.stdout
    assert "+ Secret" in ended.stdout
    forms = (hidden, json.dumps(hidden)[1:-1], quote(hidden), encoded, *key.splitlines()[1:3])
    for text in (ended.said, html.unescape(page.read_text()), as_json.stdout, as_json.stderr):
        assert [form for form in forms if form in text] == []


_HIDING = """
variable "hidden" {
  type      = string
  sensitive = true
  default   = HIDDEN
}

resource "terraform_data" "copied" {
  input = nonsensitive(var.hidden)
}
"""
_WAITING = """#!/bin/sh
touch OWN
i=0; while [ ! -e OTHER ] && [ $i -lt 200 ]; do i=$((i+1)); sleep 0.1; done
[ -e OTHER ] || exit 1
exec terraform "$@"
"""
